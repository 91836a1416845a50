/**
 * Distillation layer by layer in closed form: a student with fewer layers, refitted one layer after the other to the
 * frozen teacher. Yao et al. 2022 (ZeroQuant), https://arxiv.org/abs/2206.01861, section 4.3, "layer-by-layer knowledge
 * distillation": layer k of the student learns the output of layer k of the teacher,
 *   min ‖L_k(teacher) − L_k(student)‖²
 * Differs from the paper: the student has fewer layers instead of fewer bits; each linear layer is fitted by ridge
 * regression instead of gradient steps. Its target is the output of the same linear layer in the teacher or, where the
 * layer writes to the residual stream, the teacher's stream after it; its inputs are computed by the student with the
 * layers already refitted. So each layer also corrects the remaining error of the layers before it.
 */
import { present } from '../../contracts/present.ts';
import * as v from 'valibot';
import { defineMethod } from '../../engine/definitions/method.ts';
import type { LinearRole } from '../../engine/definitions/model.ts';
import { tensorOf } from '../../numerics/tensor/tensor.ts';
import { rebuildLayers } from '../shared/solvers/rebuild-layers.ts';
import { rebuiltWeight } from '../shared/solvers/rebuilt-weight.ts';
import { keepLayers } from '../shared/surgery/structure.ts';
import { depthParameter, keptLayers, requireSeveralLayers, studentRemark } from '../shared/training/student.ts';

export default defineMethod({
  id: 'layerwise-frozen',
  family: 'distillation',
  access: 'calibrated',
  revision: 2,
  description:
    'Removes some of the layers and refits the linear layers of the others one by one, so that each reproduces on calibration text its outputs in the original model. ' +
    'Each fit is a least-squares problem with a closed-form solution: no gradients, no training. ' +
    'The variant d50-copied is a control without the refit.',
  paper: {
    title: 'ZeroQuant: Efficient and Affordable Post-Training Quantization for Large-Scale Transformers',
    authors: 'Zhewei Yao, Reza Yazdani Aminabadi, Minjia Zhang, Xiaoxia Wu, Conglong Li, Yuxiong He',
    year: 2022,
    url: 'https://arxiv.org/abs/2206.01861',
  },
  licence: 'Apache-2.0',
  params: v.strictObject({
    depth: depthParameter,
    rebuild: v.optional(
      v.pipe(
        v.picklist(['all', 'writers', 'none']),
        v.description(
          'Linear layers that are refitted: all, those that write to the residual stream (o, down), or none.',
        ),
      ),
      'all',
    ),
    ridge: v.optional(
      v.pipe(
        v.number(),
        v.gtValue(0),
        v.description(
          'Ridge penalty that holds the weights to their original values, as a share of the mean second moment of the inputs.',
        ),
      ),
      1e-3,
    ),
  }),
  variants: {
    d75: { depth: 0.75 },
    d50: { depth: 0.5 },
    d25: { depth: 0.25 },
    'd75-writers': { depth: 0.75, rebuild: 'writers' },
    'd50-writers': { depth: 0.5, rebuild: 'writers' },
    'd50-copied': { depth: 0.5, rebuild: 'none' },
  },

  async compress(teacher, { params, calibration, signal, note, progress }) {
    const { depth, rebuild, ridge } = params;
    requireSeveralLayers(teacher);
    const { layers } = teacher.roles;
    const kept = studentLayers(layers.length, depth);
    const student = keepLayers(teacher, kept);
    note(studentRemark({ model: student, kept }, teacher));
    signal.throwIfAborted();
    if (rebuild === 'none') return student;
    const pairs = student.roles.layers.map((compressed, at) => ({
      dense: present(layers[present(kept[at], `layer ${at} of the student`)], `layer ${kept[at]}`),
      compressed,
    }));
    const writers = new Set(student.roles.layers.flatMap(({ o, down }) => [o.role, down.role]));
    return rebuildLayers({
      dense: teacher,
      compressed: student,
      // Before the first removed layer, inputs and outputs equal the teacher's.
      layers: pairs.slice(kept.findIndex((layer, at) => layer !== at)),
      examples: calibration.examples,
      signal,
      progress,
      chosen: ({ role }) => rebuild === 'all' || writers.has(role),
      async rebuild(model, linear, moments) {
        const weight = await rebuiltWeight({ ...linear, ...moments, weight: model.weight(linear), hold: ridge });
        return model.withWeight(linear, tensorOf('float32', shapeOf(linear), weight));
      },
    });
  },
});

const shapeOf = ({ inFeatures, outFeatures }: LinearRole): readonly number[] => [inFeatures, outFeatures];

/** As for other students, but a student with a single layer keeps the last one, whose output feeds the head. */
export function studentLayers(layers: number, depth: number): readonly number[] {
  const kept = keptLayers(layers, depth);
  return kept.length === 1 ? [layers - 1] : kept;
}

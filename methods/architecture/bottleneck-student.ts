/**
 * A student with narrow blocks and a projection before and after each block. It has as many layers as its teacher and
 * hidden states of the same width between the blocks. It learns the teacher's hidden states, layer by layer, and the
 * teacher's probabilities.
 * Sun et al. 2020 (MobileBERT), https://arxiv.org/abs/2004.02984: bottlenecks (section 3.1) and feature map transfer
 * (3.4.1).
 * Differs from the paper: the teacher is the given model, not one trained with inverted bottlenecks; the student is
 * initialized from the teacher, projected onto the directions in which its hidden states are largest on calibration
 * data (methods/shared/surgery/bottleneck.ts), with the heads and neurons of largest energy, instead of at random; each
 * layer has one feed-forward block instead of a stack of four; attention maps are not transferred, since the student
 * has fewer heads; all losses are used from the first step.
 */
import { present } from '../../contracts/present.ts';
import * as v from 'valibot';
import { secondMoments } from '../../engine/calibrate/second-moments.ts';
import { defineMethod, type Example } from '../../engine/definitions/method.ts';
import type { Model } from '../../engine/definitions/model.ts';
import { symmetricEigen } from '../../numerics/tensor/linear-algebra.ts';
import { parameterNames, withParameters } from '../../engine/training/parameters.ts';
import { mergeTeacher } from '../../engine/training/teacher.ts';
import { type Directions, withBottlenecks } from '../shared/surgery/bottleneck.ts';
import { distillationLoss, layerDistillationParameters } from '../shared/training/distillation-loss.ts';
import { budgetParameters, fineTune } from '../shared/training/fine-tune.ts';
import { ladder } from '../shared/training/ladder.ts';
import { countUnits, keepUnits } from '../shared/surgery/structure.ts';
import { highest, unitEnergies } from '../shared/surgery/units.ts';

export default defineMethod({
  id: 'bottleneck-student',
  family: 'architecture',
  access: 'trained',
  revision: 2,
  description:
    'Trains a student whose layers run at a fraction of the width, between an input and an output projection, to reproduce the hidden states and probabilities of the teacher. ' +
    'The student is as deep as the teacher but narrower, so all its matrices are small.',
  paper: {
    title: 'MobileBERT: a Compact Task-Agnostic BERT for Resource-Limited Devices',
    authors: 'Zhiqing Sun, Hongkun Yu, Xiaodan Song, Renjie Liu, Yiming Yang, Denny Zhou',
    year: 2020,
    url: 'https://arxiv.org/abs/2004.02984',
  },
  licence: 'Apache-2.0',
  params: v.strictObject({
    narrow: v.pipe(
      v.number(),
      v.gtValue(0),
      v.ltValue(1),
      v.description(
        'Width within a block, heads and neurons as a share of those of the model, rounded; at least one of each.',
      ),
    ),
    ...layerDistillationParameters,
    ...budgetParameters,
  }),
  variants: ladder({
    b75: { narrow: 0.75 },
    b50: { narrow: 0.5 },
    b25: { narrow: 0.25 },
  }),

  async compress(model, context) {
    const { params, calibration, signal } = context;
    const share = (whole: number): number => Math.max(1, Math.round(params.narrow * whole));
    const directions = await streamDirections(model, { narrow: share(model.roles.width), ...calibration, signal });
    const energies = await unitEnergies(model, calibration.examples, signal);
    const kept = countUnits(model).map(({ heads, neurons }, layer) => ({
      heads: highest(energies[layer]!.heads, share(heads)),
      neurons: highest(energies[layer]!.neurons, share(neurons)),
    }));
    const student = withBottlenecks(keepUnits(model, kept), directions);
    const { parameters } = await fineTune(context, {
      model,
      onnx: mergeTeacher(student.onnx, model.onnx),
      loss: distillationLoss(model, params),
      parameters: parameterNames(student.onnx),
    });
    return student.withOnnx(withParameters(student.onnx, parameters));
  },
});

interface StreamOptions {
  readonly narrow: number;
  readonly examples: readonly Example[];
  readonly signal: AbortSignal;
}

/** Leading eigenvectors of Σ x xᵀ + Σ y yᵀ, where x is the input and y the output of a layer. */
export async function streamDirections(model: Model, { narrow, examples, signal }: StreamOptions): Promise<Directions> {
  const { layers, width } = model.roles;
  const linears = layers.flatMap(({ q, input, output }) =>
    [input, output].map((value) => ({ ...q, role: value, input: value, inFeatures: width })),
  );
  const moments = await secondMoments({ model, examples, linears, signal });
  const bases = layers.map(({ input, output }) => {
    const x = present(moments.get(input), `second moment of ${input}`).sum;
    const y = present(moments.get(output), `second moment of ${output}`).sum;
    const { vectors } = symmetricEigen(
      x.map((value, at) => value + y[at]!),
      width,
    );
    return Float64Array.from(
      { length: width * narrow },
      (_, at) => vectors[(at % narrow) * width + Math.floor(at / narrow)]!,
    );
  });
  return { narrow, bases };
}

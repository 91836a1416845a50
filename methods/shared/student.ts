/**
 * A student cut from its teacher: the same network with fewer layers, those that stay keep their weights.
 * Sanh et al. 2019 (DistilBERT), https://arxiv.org/abs/1910.01108, section 3, which keeps one layer of two.
 */
import * as v from 'valibot';
import { UnsupportedError } from '../../harness/contracts/errors.ts';
import type { LayerRoles, LinearRole, Model } from '../../harness/contracts/model.ts';
import { createModel } from '../../harness/model/model.ts';
import { findNode, redirectValue, removeDeadCode, withGraph } from '../../harness/onnx/edit.ts';
import type { Graph } from '../../harness/onnx/graph.ts';
import { budgetParameters } from './fine-tune.ts';

/** What distillation and its control share: the student and its budget. */
export const studentParameters = {
  depth: v.pipe(
    v.number(),
    v.gtValue(0),
    v.ltValue(1),
    v.description('Share of the layers the student keeps, rounded to whole ones: at least one, and not all.'),
  ),
  ...budgetParameters,
} as const;

/** Three quarters, half and a quarter of the layers, at two budgets. */
export const studentVariants = {
  'd75-n100': { depth: 0.75, steps: 100 },
  'd50-n100': { depth: 0.5, steps: 100 },
  'd25-n100': { depth: 0.25, steps: 100 },
  'd75-n1000': { depth: 0.75, steps: 1000 },
  'd50-n1000': { depth: 0.5, steps: 1000 },
  'd25-n1000': { depth: 0.25, steps: 1000 },
} as const;

export interface Student {
  /** Its roles are those of the layers that stay. */
  readonly model: Model;
  /** Indices of the teacher's layers it consists of. */
  readonly kept: readonly number[];
}

/** Evenly spaced layers, the first and the last among them: 0, 2, 4, 7, 9, 11 of twelve at depth ½, as in DistilBERT. */
export function keptLayers(layers: number, depth: number): readonly number[] {
  const count = Math.min(layers - 1, Math.max(1, Math.round(depth * layers)));
  if (count === 1) return [0];
  return Array.from({ length: count }, (_, at) => Math.round((at * (layers - 1)) / (count - 1)));
}

/** Throws UnsupportedError for a teacher of one layer. */
export function studentOf(teacher: Model, depth: number): Student {
  const { layers } = teacher.roles;
  if (layers.length < 2) {
    throw new UnsupportedError(
      `${teacher.id}: a student keeps some of its teacher's layers, and this one has ${layers.length}; use a deeper model`,
    );
  }
  const kept = keptLayers(layers.length, depth);
  let { graph } = teacher.onnx;
  // From the last to the first, so that what a layer reads is still there when it is put in the place of what it gives.
  for (const [index, { input, output }] of [...layers.entries()].reverse()) {
    if (!kept.includes(index)) graph = redirectValue(graph, output, input);
  }
  const onnx = withGraph(teacher.onnx, removeDeadCode(graph));
  const roles = { ...teacher.roles, layers: kept.map((index) => readFrom(graph, layers, { index, kept })) };
  return { model: createModel({ ...teacher, onnx, roles }), kept };
}

/** The roles of a layer that stays, with the inputs it has in the student's graph. */
function readFrom(
  graph: Graph,
  layers: readonly LayerRoles[],
  { index, kept }: { readonly index: number; readonly kept: readonly number[] },
): LayerRoles {
  const { q, k, v, o, gate, up, down, output } = layers[index];
  const read = (linear: LinearRole): LinearRole => ({ ...linear, input: findNode(graph, linear.node).inputs[0] });
  const before = kept[kept.indexOf(index) - 1];
  return {
    q: read(q),
    k: read(k),
    v: read(v),
    o: read(o),
    ...(gate && { gate: read(gate) }),
    up: read(up),
    down: read(down),
    input: before === undefined ? layers[0].input : layers[before].output,
    output,
  };
}

/** The remark for a row on what the student is. */
export function studentRemark({ kept }: Student, teacher: Model): string {
  return `student: layers ${kept.join(', ')} of 0 to ${teacher.roles.layers.length - 1}`;
}

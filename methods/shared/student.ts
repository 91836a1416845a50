/**
 * A student: its teacher with fewer layers, those that stay keep their weights (Sanh et al. 2019 (DistilBERT),
 * https://arxiv.org/abs/1910.01108, section 3, which keeps one layer of two), or a smaller model trained before.
 */
import * as v from 'valibot';
import { UnsupportedError } from '../../harness/contracts/errors.ts';
import type { Model } from '../../harness/contracts/model.ts';
import { redirectValue, removeDeadCode, withGraph } from '../../harness/onnx/edit.ts';
import { budgetParameters } from './fine-tune.ts';

/** What distillation and its control share: the student and its budget. */
export const studentParameters = {
  depth: v.pipe(
    v.union([v.pipe(v.number(), v.gtValue(0), v.ltValue(1)), v.literal('smaller')]),
    v.description(
      'Share of the layers the student keeps, rounded to whole ones: at least one, and not all. ' +
        "Or 'smaller': the student is the smaller dense model that was trained alike.",
    ),
  ),
  ...budgetParameters,
} as const;

/** Three quarters, half and a quarter of the layers, and the smaller model, at two budgets. */
export const studentVariants = {
  'd75-n100': { depth: 0.75, steps: 100 },
  'd50-n100': { depth: 0.5, steps: 100 },
  'd25-n100': { depth: 0.25, steps: 100 },
  'small-n100': { depth: 'smaller', steps: 100 },
  'd75-n1000': { depth: 0.75, steps: 1000 },
  'd50-n1000': { depth: 0.5, steps: 1000 },
  'd25-n1000': { depth: 0.25, steps: 1000 },
  'small-n1000': { depth: 'smaller', steps: 1000 },
} as const;

export interface Student {
  readonly model: Model;
  /** Indices of the teacher's layers it consists of; null where it has its own. */
  readonly kept: readonly number[] | null;
}

/** The student that the parameter `depth` names. Throws UnsupportedError where the teacher gives none. */
export function chooseStudent(
  teacher: Model,
  { params: { depth }, smaller }: { readonly params: { readonly depth: number | 'smaller' }; readonly smaller?: Model },
): Student {
  if (depth !== 'smaller') return studentOf(teacher, depth);
  if (smaller === undefined) {
    throw new UnsupportedError(
      `${teacher.id}: no smaller dense model was trained beside it to be the student; choose a share of its layers`,
    );
  }
  return { model: smaller, kept: null };
}

/** Evenly spaced layers, the first and the last among them: 0, 2, 4, 7, 9, 11 of twelve at depth ½, as in DistilBERT. */
export function keptLayers(layers: number, depth: number): readonly number[] {
  const count = Math.min(layers - 1, Math.max(1, Math.round(depth * layers)));
  if (count === 1) return [0];
  return Array.from({ length: count }, (_, at) => Math.round((at * (layers - 1)) / (count - 1)));
}

/** Throws UnsupportedError for a teacher of one layer. */
export function studentOf(teacher: Model, depth: number): Student & { readonly kept: readonly number[] } {
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
  return { model: teacher.withOnnx(withGraph(teacher.onnx, removeDeadCode(graph))), kept };
}

/** The remark for a row on what the student is. */
export function studentRemark({ model, kept }: Student, teacher: Model): string {
  if (kept === null) return `student: ${model.id}, as it was trained before`;
  return `student: layers ${kept.join(', ')} of 0 to ${teacher.roles.layers.length - 1}`;
}

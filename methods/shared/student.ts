/**
 * A student cut from its teacher: the same network with fewer layers, those that stay keep their weights.
 * Sanh et al. 2019 (DistilBERT), https://arxiv.org/abs/1910.01108, section 3, which keeps one layer of two.
 */
import * as v from 'valibot';
import { UnsupportedError } from '../../harness/contracts/errors.ts';
import type { Model } from '../../harness/contracts/model.ts';
import { budgetParameters } from './fine-tune.ts';
import { keepLayers } from './structure.ts';

export const depthParameter = v.pipe(
  v.number(),
  v.gtValue(0),
  v.ltValue(1),
  v.description('Share of the layers that stay, rounded to whole ones: at least one, and not all.'),
);

/** What distillation and its control share: the student and its budget. */
export const studentParameters = { depth: depthParameter, ...budgetParameters } as const;

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
  readonly model: Model;
  /** Indices of the teacher's layers it consists of. */
  readonly kept: readonly number[];
}

/** How many layers stay of so many. */
export function keptCount(layers: number, depth: number): number {
  return Math.min(layers - 1, Math.max(1, Math.round(depth * layers)));
}

/** Throws UnsupportedError for a model of one layer. */
export function requireSeveralLayers({ id, roles: { layers } }: Model): void {
  if (layers.length < 2) {
    throw new UnsupportedError(`${id}: some of the layers are to stay, and this model has one; use a deeper model`);
  }
}

/** Evenly spaced layers, the first and the last among them: 0, 2, 4, 7, 9, 11 of twelve at depth ½, as in DistilBERT. */
export function keptLayers(layers: number, depth: number): readonly number[] {
  const count = keptCount(layers, depth);
  if (count === 1) return [0];
  return Array.from({ length: count }, (_, at) => Math.round((at * (layers - 1)) / (count - 1)));
}

/** Throws UnsupportedError for a teacher of one layer. */
export function studentOf(teacher: Model, depth: number): Student {
  requireSeveralLayers(teacher);
  const kept = keptLayers(teacher.roles.layers.length, depth);
  return { model: keepLayers(teacher, kept), kept };
}

/** The remark for a row on what the student is. */
export function studentRemark({ kept }: Student, teacher: Model): string {
  return `student: layers ${kept.join(', ')} of 0 to ${teacher.roles.layers.length - 1}`;
}

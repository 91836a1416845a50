/**
 * A student: its teacher without some of its layers, the others keeping their weights (Sanh et al. 2019 (DistilBERT),
 * https://arxiv.org/abs/1910.01108, section 3, keeps one layer of two), or a smaller model that was trained beforehand.
 */
import * as v from 'valibot';
import { UnsupportedError } from '../../../contracts/errors.ts';
import type { Model } from '../../../engine/definitions/model.ts';
import { budgetParameters } from './fine-tune.ts';
import { ladder } from './ladder.ts';
import { keepLayers } from '../surgery/structure.ts';

export const depthParameter = v.pipe(
  v.number(),
  v.gtValue(0),
  v.ltValue(1),
  v.description('Share of the layers that stay, rounded to whole ones: at least one, and not all.'),
);

/** Parameters of distillation and its control: the student and its budget. */
export const studentParameters = {
  depth: v.pipe(
    v.union([depthParameter, v.literal('smaller')]),
    v.description(
      'Share of the layers the student keeps, rounded to whole ones: at least one, and not all. ' +
        "Or 'smaller': the student is the smaller dense model that was trained alike.",
    ),
  ),
  ...budgetParameters,
} as const;

/** Three quarters, half and a quarter of the layers, at each budget. */
export const cutStudentVariants = ladder({ d75: { depth: 0.75 }, d50: { depth: 0.5 }, d25: { depth: 0.25 } });

/** The same, plus the smaller model at each budget, and half the layers at the longest budget. */
export const studentVariants = {
  ...cutStudentVariants,
  ...ladder({ small: { depth: 'smaller' } }),
  ...ladder({ d50: { depth: 0.5 } }, ['t30m']),
};

export interface Student {
  /** Its roles are those of the kept layers. */
  readonly model: Model;
  /** Indices of the teacher's layers in it; null where it has its own layers. */
  readonly kept: readonly number[] | null;
}

export interface CutStudent extends Student {
  readonly kept: readonly number[];
}

/** The student that the parameter `depth` names. Throws UnsupportedError where the teacher has no such student. */
export function chooseStudent(
  teacher: Model,
  { params: { depth }, smaller }: { readonly params: { readonly depth: number | 'smaller' }; readonly smaller?: Model },
): Student {
  if (depth !== 'smaller') return studentOf(teacher, depth);
  if (smaller === undefined) {
    throw new UnsupportedError(
      `${teacher.id}: has no smaller dense model that could be the student; choose a share of its layers`,
    );
  }
  return { model: smaller, kept: null };
}

/** Number of layers to keep. */
export function keptCount(layers: number, depth: number): number {
  return Math.min(layers - 1, Math.max(1, Math.round(depth * layers)));
}

/** Throws UnsupportedError for a model of one layer. */
export function requireSeveralLayers({ id, roles: { layers } }: Model): void {
  if (layers.length < 2) {
    throw new UnsupportedError(`${id}: keeping some of the layers needs at least two, got one; use a deeper model`);
  }
}

/** Evenly spaced layers, the first and the last among them: 0, 2, 4, 7, 9, 11 of twelve at depth ½, as in DistilBERT. */
export function keptLayers(layers: number, depth: number): readonly number[] {
  return spreadLayers(layers, keptCount(layers, depth));
}

/** `count` of the layers, evenly spaced, including the first and the last. */
export function spreadLayers(layers: number, count: number): readonly number[] {
  if (count === 1) return [0];
  return Array.from({ length: count }, (_, at) => Math.round((at * (layers - 1)) / (count - 1)));
}

/** Throws UnsupportedError for a teacher of one layer. */
export function studentOf(teacher: Model, depth: number): CutStudent {
  requireSeveralLayers(teacher);
  const kept = keptLayers(teacher.roles.layers.length, depth);
  return { model: keepLayers(teacher, kept), kept };
}

/** The remark for a row about the student. */
export function studentRemark({ model, kept }: Student, teacher: Model): string {
  if (kept === null) return `student: ${model.id}, as it was trained before; that training is not in the cost`;
  return `student: layers ${kept.join(', ')} of 0 to ${teacher.roles.layers.length - 1}`;
}

/** A training step takes about three times the multiplications of a forward pass. */
const PASSES_OF_A_STEP = 3;

/**
 * The multiplications of training the student beside its teacher, as a multiple of those of training it alone;
 * attention scores not counted.
 */
export function distillationCost(student: Model, teacher: Model): number {
  return 1 + multiplications(teacher) / (PASSES_OF_A_STEP * multiplications(student));
}

/** Multiplications of a forward pass, per token. */
function multiplications({ kind, linears, onnx, roles: { embedding } }: Model): number {
  const [vocabulary = 0, width = 0] = onnx.graph.initializers.get(embedding.weight)?.dims ?? [];
  const logits = kind === 'decoder' ? vocabulary * width : 0;
  return linears.reduce((sum, { inFeatures, outFeatures }) => sum + inFeatures * outFeatures, logits);
}

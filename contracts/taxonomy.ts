/** The categories of methods and models: families, access classes, cost classes, architectures. */

export const FAMILIES = [
  'control',
  'quantization',
  'pruning',
  'distillation',
  'low-rank',
  'sharing',
  'architecture',
  'combined',
] as const;
export type Family = (typeof FAMILIES)[number];

/**
 * What a method may read; each class includes the previous one: data-free: the weights; calibrated: activations on the
 * calibration split; gradient: also gradients, for scoring; trained: the training split, and weights updated by
 * gradients.
 */
export const ACCESS_CLASSES = ['data-free', 'calibrated', 'gradient', 'trained'] as const;
export type Access = (typeof ACCESS_CLASSES)[number];

/** The survey's criterion (arXiv 2401.15347): high-cost methods retrain, low-cost ones do not. */
export const COST_CLASSES = ['low-cost', 'high-cost'] as const;
export type CostClass = (typeof COST_CLASSES)[number];
export function costClassOf(access: Access): CostClass {
  return access === 'trained' ? 'high-cost' : 'low-cost';
}

export interface Paper {
  readonly title: string;
  readonly authors: string;
  readonly year: number;
  readonly url: string;
}

/**
 * Format of a licence's short identifier, with + for later versions too:
 * https://spdx.github.io/spdx-spec/v3.0.1/annexes/spdx-license-expressions/ The identifiers are listed at
 * https://spdx.org/licenses/.
 */
export const SPDX_IDENTIFIER = /^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?\+?$/;

/**
 * A decoder predicts each next token; an encoder sees the whole input and classifies it; an embedder sees the whole
 * input and returns one vector of unit length.
 */
export type ModelKind = 'decoder' | 'encoder' | 'embedder';

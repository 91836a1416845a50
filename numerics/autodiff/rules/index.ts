/** All gradient rules. */
import type { GradientRule } from '../rule.ts';
import { arithmetic } from './arithmetic.ts';
import { attention } from './attention.ts';
import { casts } from './cast.ts';
import { crossEntropy } from './cross-entropy.ts';
import { einsum } from './einsum.ts';
import { functions } from './functions.ts';
import { gather } from './gather.ts';
import { gelu } from './gelu.ts';
import { layerNormalization } from './layer-normalization.ts';
import { layout } from './layout.ts';
import { mask } from './mask.ts';
import { matmul } from './matmul.ts';
import { pieces } from './pieces.ts';
import { reduce } from './reduce.ts';
import { rmsNormalization } from './rms-normalization.ts';
import { rotaryEmbedding } from './rotary-embedding.ts';
import { rounding } from './rounding.ts';
import { scatter } from './scatter.ts';
import { select } from './select.ts';
import { softmax } from './softmax.ts';

/** By file name. */
export const ruleFiles: Readonly<Record<string, readonly GradientRule[]>> = {
  arithmetic,
  attention,
  cast: casts,
  'cross-entropy': crossEntropy,
  einsum,
  functions,
  gather,
  gelu,
  'layer-normalization': layerNormalization,
  layout,
  mask,
  matmul,
  pieces,
  reduce,
  'rms-normalization': rmsNormalization,
  'rotary-embedding': rotaryEmbedding,
  rounding,
  scatter,
  select,
  softmax,
};

export const rules: readonly GradientRule[] = Object.values(ruleFiles).flat();

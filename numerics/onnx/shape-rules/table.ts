/** All shape rules, by operator: the bare name in the standard domain, `domain:name` in others. */
import { attentions } from './attention.ts';
import { constants } from './constants.ts';
import { convolutions } from './convolution.ts';
import { elementwise } from './elementwise.ts';
import { indexing } from './indexing.ts';
import { layout } from './layout.ts';
import { matmul } from './matmul.ts';
import { normalization } from './normalization.ts';
import { quantization } from './quantization.ts';
import { reductions } from './reduction.ts';
import type { ShapeRule } from './rule.ts';

export const SHAPE_RULES: ReadonlyMap<string, ShapeRule> = new Map(
  [
    attentions,
    constants,
    convolutions,
    elementwise,
    indexing,
    layout,
    matmul,
    normalization,
    quantization,
    reductions,
  ].flatMap((rules) => Object.entries(rules)),
);

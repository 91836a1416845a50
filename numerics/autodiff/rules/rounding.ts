/**
 * Step functions: their derivative is 0 wherever it exists, so they pass no gradient. To pass gradients through
 * unchanged (Bengio et al. 2013, https://arxiv.org/abs/1308.3432), override the node with `straight-through`.
 */
import { type BackwardRule, defineRule } from '../rule.ts';

const step = (op: string): BackwardRule => defineRule({ op, since: 11, elementwise: true, backward: () => [null] });

export const rounding: readonly BackwardRule[] = ['Ceil', 'Floor', 'Round', 'Sign'].map(step);

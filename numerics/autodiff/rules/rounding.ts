/**
 * Steps: their slope is 0 wherever they have one, so nothing flows. For a gradient that passes through as if the node were
 * not there (Bengio et al. 2013, https://arxiv.org/abs/1308.3432) override the node with `straight-through`.
 */
import { type BackwardRule, defineRule } from '../rule.ts';

const step = (op: string): BackwardRule => defineRule({ op, since: 11, elementwise: true, backward: () => [null] });

export const rounding: readonly BackwardRule[] = ['Ceil', 'Floor', 'Round', 'Sign'].map(step);

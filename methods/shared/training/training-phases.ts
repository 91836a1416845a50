/**
 * Training in two phases with one loss each, in one run of the optimizer: budget and learning rate schedule cover both.
 */
import { tensorOf } from '../../../numerics/tensor/tensor.ts';
import type { FeedSource } from '../../../engine/training/feed-source.ts';
import type { Loss } from '../../../engine/training/loss.ts';

const PHASE = 'phase';

export interface Phases {
  readonly first: Loss;
  /** Must have gradients for all parameters; the first loss need not. */
  readonly second: Loss;
  /** Share of the steps that use the first loss. */
  readonly firstShare: number;
  readonly steps: number;
}

/** A loss and the input that switches between the phases. */
export function trainingPhases({ first, second, firstShare, steps }: Phases): {
  readonly loss: Loss;
  readonly feeds: readonly FeedSource[];
} {
  const begin = Math.round(firstShare * steps);
  if (begin === 0) return { loss: second, feeds: [] };
  const [off, on] = [tensorOf('float32', [], Float32Array.of(0)), tensorOf('float32', [], Float32Array.of(1))];
  return {
    loss(context) {
      const { w } = context;
      const phase = w.input(PHASE, 'float32', []);
      const [before, after] = [first(context), second(context)];
      return w.add(w.mul(w.sub(w.scalar(1), phase), before), w.mul(phase, after));
    },
    feeds: [{ shapes: { [PHASE]: [] }, at: (step) => ({ [PHASE]: step < begin ? off : on }) }],
  };
}

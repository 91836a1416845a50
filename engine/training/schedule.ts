/** Schedules of learning rate and sparsity: pure functions of the step, counted from 0. */
import { InputError } from '../../contracts/errors.ts';

export type Schedule = (step: number) => number;

export interface WarmUpOptions {
  /** Learning rate after the warm-up. */
  readonly peak: number;
  /** Steps of linear increase to the peak; the first step already has peak / warmUp. Default 0. */
  readonly warmUp?: number;
  /** Total number of steps, warm-up included. */
  readonly steps: number;
  /** Share of the peak reached at the end; default 0. */
  readonly floor?: number;
}

function warmUpThen(options: WarmUpOptions, shape: (progress: number) => number): Schedule {
  const { peak, warmUp = 0, steps, floor = 0 } = options;
  if (!(warmUp >= 0 && warmUp <= steps)) {
    throw new InputError(`schedule: warmUp ${warmUp} must lie between 0 and the ${steps} steps`);
  }
  return (step) => {
    if (step < warmUp) return (peak * (step + 1)) / warmUp;
    const progress = Math.min(1, (step - warmUp) / Math.max(1, steps - warmUp));
    return peak * (floor + (1 - floor) * shape(progress));
  };
}

export const constantSchedule =
  (value: number): Schedule =>
  () =>
    value;

/** Linear increase, then decrease along half a cosine. Loshchilov & Hutter 2017, https://arxiv.org/abs/1608.03983 */
export const cosineSchedule = (options: WarmUpOptions): Schedule =>
  warmUpThen(options, (progress) => (1 + Math.cos(Math.PI * progress)) / 2);

/**
 * Increases from `from` to `to` along a cubic between two steps, then is constant: sparsity of gradual pruning.
 * Zhu & Gupta 2017, https://arxiv.org/abs/1710.01878, equation 1.
 */
export function cubicSchedule(options: {
  readonly from?: number;
  readonly to: number;
  readonly begin?: number;
  readonly end: number;
}): Schedule {
  const { from = 0, to, begin = 0, end } = options;
  if (!(end > begin)) throw new InputError(`schedule: end ${end} must come after begin ${begin}`);
  return (step) => {
    const progress = Math.min(1, Math.max(0, (step - begin) / (end - begin)));
    return to + (from - to) * (1 - progress) ** 3;
  };
}

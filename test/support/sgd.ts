/** The simplest optimizer, for tests of what every optimizer needs. */
import type { Optimizer } from '../../engine/training/optimizer.ts';

export interface SgdOptions {
  /** Default 0. */
  readonly momentum?: number;
  /** Looks ahead along the momentum; default false. */
  readonly nesterov?: boolean;
  /** Added to the gradient as λ w; default 0. */
  readonly weightDecay?: number;
}

/**
 * Gradient descent with momentum, as PyTorch writes it (Sutskever et al. 2013, https://proceedings.mlr.press/v28/sutskever13.html):
 *   d = g + λ w       M ← μ M + d       w ← w - η M       with nesterov w ← w - η (d + μ M)
 */
export function sgd({ momentum = 0, nesterov = false, weightDecay = 0 }: SgdOptions = {}): Optimizer {
  return {
    moments: momentum === 0 ? [] : ['momentum'],
    weightDecay,
    scalars: ['step_size', 'decay'],
    scalarsAt: ({ learningRate, weightDecay: decay }) => ({ step_size: learningRate, decay }),
    update(w, { parameter, gradient, moments, scalar, decays }) {
      const descent = decays ? w.add(gradient, w.mul(parameter, scalar('decay'))) : gradient;
      const [old] = moments;
      if (old === undefined) return { parameter: w.sub(parameter, w.mul(descent, scalar('step_size'))), moments: [] };
      const moment = w.add(w.mul(old, w.scalar(momentum)), descent);
      const direction = nesterov ? w.add(descent, w.mul(moment, w.scalar(momentum))) : moment;
      return { parameter: w.sub(parameter, w.mul(direction, scalar('step_size'))), moments: [moment] };
    },
  };
}

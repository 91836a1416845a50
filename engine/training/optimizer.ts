/**
 * Optimizers as graph nodes. Values that change from step to step are scalar inputs, so that one session serves a whole
 * training.
 * Moments are stored without their factors (1 - β), which are part of the step size; that saves passes over memory.
 */
import { present } from '../../contracts/present.ts';
import type { GraphWriter } from './graph-writer.ts';

export interface UpdateRequest {
  readonly parameter: string;
  readonly gradient: string;
  /** In the order of Optimizer.moments. */
  readonly moments: readonly string[];
  /** Value of one of the scalars that Optimizer.scalars gives for this parameter's group. */
  readonly scalar: (name: string) => string;
  readonly decays: boolean;
}

export interface Update {
  readonly parameter: string;
  readonly moments: readonly string[];
}

export interface StepState {
  /** Counted from 1. */
  readonly step: number;
  readonly learningRate: number;
  readonly weightDecay: number;
}

export interface Optimizer {
  /** State per parameter besides the parameter: tensors of its shape, initially zero. */
  readonly moments: readonly string[];
  /** Scalar inputs of a step, for parameters with decay. */
  readonly weightDecay: number;
  readonly scalars: readonly string[];
  scalarsAt(state: StepState): Readonly<Record<string, number>>;
  update(w: GraphWriter, request: UpdateRequest): Update;
}

export interface AdamWOptions {
  /** Default 0.9. */
  readonly beta1?: number;
  /** Default 0.999. */
  readonly beta2?: number;
  /** Default 1e-8. */
  readonly epsilon?: number;
  /** Default 0.01. */
  readonly weightDecay?: number;
}

/**
 * Adam with decoupled weight decay. Loshchilov & Hutter 2019, https://arxiv.org/abs/1711.05101, Algorithm 2, with the decay
 * multiplied by the learning rate as PyTorch does. M = m / (1 - β₁), V = v / (1 - β₂):
 *   M ← β₁ M + g       V ← β₂ V + g²       w ← (1 - η λ) w - s M / (√V + e)
 *   s = η (1 - β₁) c / (1 - β₁ᵗ)           e = ε c           c = √((1 - β₂ᵗ) / (1 - β₂))
 */
export function adamW({
  beta1 = 0.9,
  beta2 = 0.999,
  epsilon = 1e-8,
  weightDecay = 0.01,
}: AdamWOptions = {}): Optimizer {
  return {
    moments: ['first_moment', 'second_moment'],
    weightDecay,
    scalars: ['step_size', 'epsilon', 'kept'],
    scalarsAt({ step, learningRate, weightDecay: decay }) {
      const correction = Math.sqrt((1 - beta2 ** step) / (1 - beta2));
      return {
        step_size: (learningRate * (1 - beta1) * correction) / (1 - beta1 ** step),
        epsilon: epsilon * correction,
        kept: 1 - learningRate * decay,
      };
    },
    update(w, { parameter, gradient, moments, scalar, decays }) {
      const [oldFirst = '', oldSecond = ''] = moments;
      const first = w.add(w.mul(oldFirst, w.scalar(beta1)), gradient);
      const second = w.add(w.mul(oldSecond, w.scalar(beta2)), w.mul(gradient, gradient));
      const direction = w.div(first, w.add(w.sqrt(second), scalar('epsilon')));
      const kept = decays ? w.mul(parameter, scalar('kept')) : parameter;
      return { parameter: w.sub(kept, w.mul(direction, scalar('step_size'))), moments: [first, second] };
    },
  };
}

export const SENSITIVITY = 'sensitivity';

/**
 * The optimizer with an additional importance of each element: the first-order change of the loss were it zero,
 * smoothed over steps:
 *   I ← β I + (1 − β) |w g|
 * with w and g from before the step, g clipped. Molchanov et al. 2019, https://arxiv.org/abs/1906.10771, equation 8;
 * smoothed as in Zhang et al. 2022 (PLATON), https://arxiv.org/abs/2206.12562, equation 8.
 */
export function withSensitivity(base: Optimizer, { beta }: { readonly beta: number }): Optimizer {
  return {
    ...base,
    moments: [...base.moments, SENSITIVITY],
    update(w, request) {
      const { parameter, gradient, moments } = request;
      const old = present(moments.at(-1), 'last of moments');
      const update = base.update(w, { ...request, moments: moments.slice(0, -1) });
      const now = w.abs(w.mul(parameter, gradient));
      const smoothed = w.add(w.mul(old, w.scalar(beta)), w.mul(now, w.scalar(1 - beta)));
      return { parameter: update.parameter, moments: [...update.moments, smoothed] };
    },
  };
}

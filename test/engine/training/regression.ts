/** Linear regression as a model to train: small enough that every step can be written down. */
import { createGraphBuilder } from '../../../numerics/onnx/builder.ts';
import type { OnnxModel } from '../../../numerics/onnx/graph.ts';
import { tensorOf } from '../../../numerics/tensor/tensor.ts';
import type { FeedSource } from '../../../engine/training/feed-source.ts';
import type { Loss } from '../../../engine/training/loss.ts';

export interface Regression {
  readonly rows: number;
  readonly in: number;
  readonly out: number;
  readonly x: readonly number[]; // [rows, in]
  readonly t: readonly number[]; // [rows, out]
  readonly weight: readonly number[]; // [in, out]
  readonly bias: readonly number[]; // [out]
}

export function regressionModel({ rows, in: inFeatures, out, weight, bias }: Regression): OnnxModel {
  const b = createGraphBuilder({ name: 'regression', opset: 21 });
  const x = b.input('x', 'float32', [rows, inFeatures]);
  const w = b.initializer('linear.weight', tensorOf('float32', [inFeatures, out], Float32Array.from(weight)));
  const c = b.initializer('linear.bias', tensorOf('float32', [out], Float32Array.from(bias)));
  const y = b.add(b.matmul(x, w, { name: 'linear', output: 'product' }), c, { output: 'y' });
  b.output(y, { dtype: 'float32', dims: [rows, out] });
  return b.build();
}

/** mean((y - t)²) */
export const squaredError: Loss = ({ w, dims }) => {
  const difference = w.sub('y', w.input('t', 'float32', dims('y')));
  return w.reduceMean(w.mul(difference, difference), { keepdims: false });
};

/** The same batch every time, or one scaled by `scaleAt`. */
export function regressionFeeds(
  { rows, in: inFeatures, out, x, t }: Regression,
  scaleAt: (index: number) => number = () => 1,
): FeedSource {
  const shapes = { x: [rows, inFeatures], t: [rows, out] };
  return {
    shapes,
    at: (index) => ({
      x: tensorOf(
        'float32',
        shapes.x,
        Float32Array.from(x, (value) => value * scaleAt(index)),
      ),
      t: tensorOf('float32', shapes.t, Float32Array.from(t)),
    }),
  };
}

import { describe, expect, it } from 'vitest';
import type { OnnxModel } from '../../../numerics/onnx/graph.ts';
import { createGraphBuilder } from '../../../numerics/onnx/builder.ts';
import { createSession, type Feeds } from '../../../engine/runtime/session.ts';
import { elements, tensorOf } from '../../../numerics/tensor/tensor.ts';
import { lowerForDevice } from '../../../engine/training/lower-for-device.ts';
import { loweredOperators } from '../../support/lowered-operators.ts';
import { largestDifference } from '../../support/run-model.ts';

async function valuesOf(model: OnnxModel, feeds: Feeds): Promise<readonly Float32Array[]> {
  const session = await createSession(model, { threads: 1 });
  try {
    const made = await session.run(feeds);
    return model.graph.outputs.map(({ name }) => elements(made[name] as never, 'float32'));
  } finally {
    await session.release();
  }
}

/** Logarithms of sums are taken in another order; all else is exact. */
const TOLERANCE: Readonly<Record<string, number>> = { LogSoftmax: 1e-5, SoftmaxCrossEntropyLoss: 1e-5 };

describe('lowerForDevice', () => {
  it.each(loweredOperators().map((operator) => [operator.op, operator] as const))(
    '%s: the same numbers without the operator',
    async (op, { model, feeds }) => {
      const lowered = lowerForDevice(model, 'webgpu');
      expect(lowered.graph.nodes.map((node) => node.op)).not.toContain(op);
      expect(lowered.graph.outputs).toEqual(model.graph.outputs);
      const [expected, made] = [await valuesOf(model, feeds), await valuesOf(lowered, feeds)];
      for (const [index, values] of expected.entries())
        expect(largestDifference(made[index] as Float32Array, values)).toBeLessThanOrEqual(TOLERANCE[op] ?? 0);
    },
  );

  it('preserves NaN in rounding and sign', async () => {
    for (const op of ['Round', 'Sign']) {
      const b = createGraphBuilder({ name: op, opset: 21 });
      const x = b.input('x', 'float32', [1]);
      b.output(b.node(op, [x])[0] as string, { dtype: 'float32', dims: [1] });
      const feeds = { x: tensorOf('float32', [1], Float32Array.of(Number.NaN)) };
      expect((await valuesOf(lowerForDevice(b.build(), 'webgpu'), feeds))[0]?.[0]).toBeNaN();
    }
  });

  it('keeps operators that the provider has, and a cross-entropy with class weights', () => {
    for (const { model } of loweredOperators()) {
      expect(lowerForDevice(model, 'cuda')).toBe(model);
      expect(lowerForDevice(model, 'cpu')).toBe(model);
    }
    const b = createGraphBuilder({ name: 'weighed', opset: 21 });
    const inputs = [
      b.input('x', 'float32', [2, 3]),
      b.input('labels', 'int64', [2]),
      b.input('weights', 'float32', [3]),
    ];
    b.output(b.node('SoftmaxCrossEntropyLoss', inputs)[0] as string, { dtype: 'float32', dims: [] });
    const weighed = b.build();
    expect(lowerForDevice(weighed, 'webgpu')).toBe(weighed);
  });
});

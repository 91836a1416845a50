import { describe, expect, it } from 'vitest';
import { createGraphBuilder } from '../../../numerics/onnx/builder.ts';
import { tensorOf } from '../../../numerics/tensor/tensor.ts';
import { explainNonFinite } from '../../../engine/training/non-finite.ts';

describe('explainNonFinite', () => {
  it('reports a device where the CPU finds nothing', async () => {
    const b = createGraphBuilder({ name: 'step', opset: 21 });
    const doubled = b.mul(b.input('x', 'float32', [2]), b.input('layer.weight', 'float32', [2]), { output: 'doubled' });
    b.output(doubled, { dtype: 'float32', dims: [2] });
    const request = {
      gradients: b.build(),
      parameters: new Map([['layer.weight', Float32Array.of(1, 2)]]),
      batches: [{ x: tensorOf('float32', [2], Float32Array.of(1, 1)) }],
      step: 3,
      loss: Number.NaN,
      threads: 1,
    };
    const { message } = await explainNonFinite({ ...request, provider: 'webgpu' });
    expect(message).toMatch(/step 3: the loss is NaN on webgpu, while every value of it is finite on the CPU/);
    expect((await explainNonFinite({ ...request, provider: 'cpu' })).message).toMatch(/its norm overflows/);
  });
});

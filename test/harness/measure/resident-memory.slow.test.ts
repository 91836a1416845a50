import { describe, expect, it } from 'vitest';
import { measureResidentMemory } from '../../../harness/measure/resident-memory.ts';
import { createGraphBuilder } from '../../../numerics/onnx/builder.ts';
import { writeModel } from '../../../numerics/onnx/write.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';
import { tensorOf } from '../../../numerics/tensor/tensor.ts';

const MIB = 2 ** 20;

/** An embedding of 64 tokens and `layers` different square matrices of 4 MiB. */
function squares(layers: number): Uint8Array {
  const width = 1024;
  const b = createGraphBuilder({ name: 'squares', opset: 21 });
  const ids = b.input('input_ids', 'int64', ['batch', 'sequence']);
  const random = createRandom('squares');
  const floats = (rows: number) =>
    tensorOf('float32', [rows, width], Float32Array.from({ length: rows * width }, random.next));
  let x = b.node('Gather', [b.initializer('table', floats(64)), ids], { name: 'rows', outputs: ['rows'] })[0] as string;
  for (let layer = 0; layer < layers; layer++) {
    const output = layer === layers - 1 ? 'logits' : `layer.${layer}`;
    b.node('MatMul', [x, b.initializer(`w.${layer}`, floats(width))], { name: output, outputs: [output] });
    x = output;
  }
  b.output('logits', { dtype: 'float32', dims: ['batch', 'sequence', width] });
  return writeModel(b.build());
}

describe('measureResidentMemory', () => {
  const measure = (layers: number) =>
    measureResidentMemory({ model: squares(layers), provider: 'cpu', threads: 1, vocabularySize: 64 }).then(
      ({ residentBytes, deviceBytes }) => {
        expect(deviceBytes).toBeNull();
        return residentBytes;
      },
    );

  it('counts the weights once, within a mebibyte, in repeated measurements', async () => {
    for (const layers of [4, 8, 8, 8]) {
      const mebibytes = (await measure(layers)) / MIB;
      expect(mebibytes).toBeGreaterThan(layers * 4 - 0.5);
      expect(mebibytes).toBeLessThan(layers * 4 + 1.5);
    }
  });
});

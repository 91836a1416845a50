import { describe, expect, it } from 'vitest';
import { storeAsFloat16 } from '../../../numerics/onnx/float16-storage.ts';
import { writeModel } from '../../../numerics/onnx/write.ts';
import { fromFloat16Bits } from '../../../numerics/tensor/float16.ts';
import { elements, tensorOf } from '../../../numerics/tensor/tensor.ts';
import { present } from '../../../contracts/present.ts';
import { tinyLlama } from '../../support/tiny-model.ts';

const isWeight = (name: string) => name.endsWith('.weight');

describe('storeAsFloat16', () => {
  it('keeps each chosen weight within half a unit in the last place of float16, and changes no other', () => {
    const model = tinyLlama({ tied: false });
    const { initializers } = storeAsFloat16(model.onnx, isWeight).model.graph;
    const chosen = [...model.onnx.graph.initializers].filter(([name, { dims }]) => isWeight(name) && dims.length === 2);
    expect(chosen.length).toBeGreaterThan(model.linears.length);
    for (const [name, dense] of chosen) {
      expect(initializers.has(name)).toBe(false);
      const stored = present(initializers.get(`${name}.float16`), name);
      if (stored.dtype !== 'float16') throw new Error(`${name} is stored as ${stored.dtype}`);
      const patterns = new Uint16Array(stored.bytes.slice().buffer);
      elements(dense, 'float32').forEach((value, at) => {
        const limit = Math.max(Math.abs(value) * 2 ** -11, 2 ** -25);
        expect(Math.abs(fromFloat16Bits(present(patterns[at], 'pattern')) - value)).toBeLessThanOrEqual(limit);
      });
    }
    const others = [...model.onnx.graph.initializers.keys()].filter((name) => !isWeight(name));
    expect(others.every((name) => initializers.has(name))).toBe(true);
  });

  it('nearly halves the file of a model whose weights outweigh its graph', () => {
    const { onnx } = tinyLlama({ width: 128, hiddenWidth: 256, vocabularySize: 512 });
    const share = writeModel(storeAsFloat16(onnx, isWeight).model).byteLength / writeModel(onnx).byteLength;
    expect(share).toBeGreaterThan(0.49);
    expect(share).toBeLessThan(0.53);
  });

  it('keeps and names a weight beyond the range of float16', () => {
    const model = tinyLlama();
    const linear = present(model.linears[0], 'first linear layer');
    const large = model.weight(linear).map((value, at) => (at === 7 ? 70_000 : value));
    const changed = model.withWeight(linear, tensorOf('float32', [linear.inFeatures, linear.outFeatures], large));
    const { model: stored, tooLarge } = storeAsFloat16(changed.onnx, isWeight);
    expect(tooLarge).toEqual([linear.weight]);
    expect(stored.graph.initializers.get(linear.weight)?.dtype).toBe('float32');
  });

  it('returns the model itself where no weight is chosen', () => {
    const { onnx } = tinyLlama();
    expect(storeAsFloat16(onnx, () => false).model).toBe(onnx);
  });
});

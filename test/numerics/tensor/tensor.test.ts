import { describe, expect, it } from 'vitest';
import { InputError } from '../../../contracts/errors.ts';
import { elements, rawTensor, tensorOf } from '../../../numerics/tensor/tensor.ts';

describe('elements', () => {
  it('shares memory that is aligned', () => {
    const values = Float32Array.of(1, 2, 3);
    expect(elements(tensorOf('float32', [3], values), 'float32').buffer).toBe(values.buffer);
  });

  it.each([
    ['Uint8Array', (bytes: Uint8Array) => bytes],
    ['Buffer', (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)],
  ])('copies an unaligned %s', (_, wrap) => {
    const storage = new Uint8Array(13);
    storage.set(new Uint8Array(Float32Array.of(1.5, -2, 3.25).buffer), 1);
    const tensor = rawTensor('float32', [3], wrap(storage.subarray(1)));
    expect([...elements(tensor, 'float32')]).toEqual([1.5, -2, 3.25]);
  });

  it('refuses another element type', () => {
    expect(() => elements(tensorOf('int32', [1], Int32Array.of(1)), 'float32')).toThrow(InputError);
  });
});

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../../../contracts/errors.ts';
import { createRandom } from '../../../../numerics/tensor/random.ts';
import { elements } from '../../../../numerics/tensor/tensor.ts';
import {
  blockSizeOf,
  dequantizeWeight,
  packWeight,
  quantizeWeight,
  storedBlockSize,
} from '../../../../methods/shared/formats/matmul-nbits.ts';
import type { Bits } from '../../../../methods/shared/formats/grid.ts';

interface Golden {
  readonly cases: readonly {
    readonly name: string;
    readonly inFeatures: number;
    readonly outFeatures: number;
    readonly weight: string;
    readonly outputs: readonly {
      readonly bits: Bits;
      readonly blockSize: number;
      readonly symmetric: boolean;
      readonly codes: string;
      readonly scales: string;
      readonly zeroPoints: string;
    }[];
  }[];
}

const golden = JSON.parse(
  readFileSync(new URL('../../../golden/matmul-nbits.json', import.meta.url), 'utf8'),
) as Golden;

function decode(base64: string): Uint8Array {
  return new Uint8Array(Buffer.from(base64, 'base64'));
}

/** Codes past the last input feature set to 0: in a byte they share with real codes the quantizer leaves older ones. */
function withoutPadding(
  packed: Uint8Array,
  { inFeatures, bits, blockSize }: { inFeatures: number; bits: Bits; blockSize: number },
): Uint8Array {
  const rowBytes = (Math.ceil(inFeatures / blockSize) * blockSize * bits) / 8;
  return packed.map((byte, at) => {
    const realBits = Math.min(Math.max(inFeatures * bits - (at % rowBytes) * 8, 0), 8);
    return byte & (2 ** realBits - 1);
  });
}

describe('quantizeWeight and packWeight', () => {
  for (const { name, inFeatures, outFeatures, weight, outputs } of golden.cases) {
    for (const output of outputs) {
      const { bits, blockSize, symmetric } = output;
      const grid = symmetric ? 'symmetric' : 'asymmetric';
      it(`equals the bytes of ONNX Runtime's quantizer: ${name}, ${bits} bits, block ${blockSize}, ${grid}`, () => {
        const values = new Float32Array(decode(weight).buffer);
        const quantized = quantizeWeight(values, { inFeatures, outFeatures, bits, symmetric, groupSize: blockSize });
        expect(quantized.blockSize).toBe(Math.min(blockSize, blockSizeOf('channel', inFeatures)));
        const packed = packWeight(quantized, quantized.blockSize);
        const blocks = Math.ceil(inFeatures / blockSize);
        expect(packed.scales.bytes).toEqual(decode(output.scales));
        expect(packed.scales.dims).toEqual([outFeatures, blocks]);
        if (symmetric) expect(packed.zeroPoints).toBeUndefined();
        else expect(packed.zeroPoints?.bytes).toEqual(decode(output.zeroPoints));
        expect(packed.weight.bytes).toEqual(withoutPadding(decode(output.codes), { inFeatures, bits, blockSize }));
        expect(packed.weight.dims).toEqual([outFeatures, blocks, (blockSize * bits) / 8]);
      });
    }
  }
});

describe('dequantizeWeight', () => {
  it('returns the nearest value to each weight: at most half a step away at every width', () => {
    const random = createRandom('matmul-nbits');
    const shape = { inFeatures: 40, outFeatures: 6 };
    const weight = Float32Array.from({ length: 240 }, () => random.normal());
    for (const bits of [2, 3, 4, 8] as const) {
      const quantized = quantizeWeight(weight, { ...shape, bits, symmetric: false, groupSize: 16 });
      const restored = dequantizeWeight(quantized);
      for (let i = 0; i < shape.inFeatures; i++) {
        for (let out = 0; out < shape.outFeatures; out++) {
          const step = quantized.scales[out * 3 + Math.floor(i / 16)]!;
          const at = i * shape.outFeatures + out;
          // Rounding the zero point shifts the range by up to half a step, so its ends may lie a whole step away.
          expect(Math.abs(restored[at]! - weight[at]!)).toBeLessThanOrEqual(step * 1.0001);
        }
      }
    }
  });

  it('keeps zero exact, on symmetric and asymmetric grids', () => {
    const weight = Float32Array.from({ length: 64 }, (_, at) => (at % 3 === 0 ? 0 : Math.sin(at) + 0.4));
    for (const symmetric of [true, false]) {
      const restored = dequantizeWeight(
        quantizeWeight(weight, { inFeatures: 64, outFeatures: 1, bits: 4, symmetric, groupSize: 32 }),
      );
      for (let at = 0; at < 64; at += 3) expect(Math.abs(restored[at]!)).toBe(0);
    }
  });

  it('returns a weight unchanged that is already on the grid', () => {
    const onGrid = Float32Array.from({ length: 32 }, (_, at) => ((at % 16) - 8) * 0.25);
    const quantized = quantizeWeight(onGrid, {
      inFeatures: 32,
      outFeatures: 1,
      bits: 4,
      symmetric: true,
      groupSize: 'channel',
    });
    expect(dequantizeWeight(quantized)).toEqual(onGrid);
  });
});

describe('blockSizeOf', () => {
  it('is the group size, or the smallest power of two from 16 that covers the channel', () => {
    expect(blockSizeOf(32, 64)).toBe(32);
    expect(blockSizeOf('channel', 64)).toBe(64);
    expect(blockSizeOf('channel', 172)).toBe(256);
    expect(blockSizeOf('channel', 5)).toBe(16);
    expect(blockSizeOf(128, 64)).toBe(64);
  });

  it('refuses sizes that the operator does not support', () => {
    expect(() => blockSizeOf(8, 64)).toThrow(InputError);
    expect(() => blockSizeOf(48, 64)).toThrow('group size 48 is not a power of two');
  });
});

describe('storedBlockSize', () => {
  const whole = (inFeatures: number, bits: Bits, symmetric = true) =>
    storedBlockSize({
      inFeatures,
      outFeatures: 1,
      bits,
      symmetric,
      blockSize: blockSizeOf('channel', inFeatures),
    });

  it('divides a channel into the blocks that take the fewest bytes, including scales', () => {
    expect(whole(64, 4)).toBe(64);
    expect(whole(172, 4)).toBe(64);
    expect(whole(768, 4)).toBe(256);
    expect(whole(768, 8, false)).toBe(256);
    expect(whole(4096, 4)).toBe(256);
    expect(whole(5, 4)).toBe(16);
  });

  it('limits 2 bits to blocks that have an int8 kernel', () => {
    expect(whole(768, 2)).toBe(128);
    expect(whole(64, 2)).toBe(64);
  });

  it('keeps groups unchanged', () => {
    expect(storedBlockSize({ inFeatures: 768, outFeatures: 1, bits: 4, symmetric: true, blockSize: 32 })).toBe(32);
  });

  it('repeats scale and zero point of the channel in each block', () => {
    const random = createRandom('stored');
    const weight = Float32Array.from({ length: 172 * 2 }, () => random.normal());
    const shape = { inFeatures: 172, outFeatures: 2 };
    const quantized = quantizeWeight(weight, { ...shape, bits: 4, symmetric: false, groupSize: 'channel' });
    const packed = packWeight(quantized);
    const [first, second] = quantized.scales;
    expect(elements(packed.scales, 'float32')).toEqual(
      Float32Array.of(first!, first!, first!, second!, second!, second!),
    );
    const [a, b] = quantized.zeroPoints;
    expect([...(packed.zeroPoints?.bytes ?? [])]).toEqual([a! | (a! << 4), a! | 0x80, b! | (b! << 4), b! | 0x80]);
  });
});

import { describe, expect, it } from 'vitest';
import { createGraphBuilder } from '../../../../numerics/onnx/builder.ts';
import { createSession } from '../../../../engine/runtime/session.ts';
import { createRandom } from '../../../../numerics/tensor/random.ts';
import { elements } from '../../../../numerics/tensor/tensor.ts';
import { bitPlaneNodes, packBitPlanes } from '../../../../methods/shared/formats/bit-planes.ts';
import { FUNCTION_DOMAIN, withFunction } from '../../../../methods/shared/formats/model-function.ts';

const random = createRandom('bit-planes');
const codesOf = (bits: number, count: number) => Uint8Array.from({ length: count }, () => random.integer(2 ** bits));

describe('packBitPlanes', () => {
  it('puts each binary digit of eight codes into one byte', () => {
    const { dims, bytes } = packBitPlanes(Uint8Array.of(5, 0, 2, 7, 1, 0, 0, 4, 6), { bits: 3, lanes: 1 });
    expect(dims).toEqual([3, 1, 2, 1]);
    expect([...bytes]).toEqual([0b00011001, 0, 0b00001100, 1, 0b10001001, 1]);
  });

  it.each([1, 2, 3, 4, 5])('takes %i bits a code', (bits) => {
    expect(packBitPlanes(codesOf(bits, 640), { bits, lanes: 1 }).bytes).toHaveLength((640 * bits) / 8);
  });
});

describe('bitPlaneNodes', () => {
  /** What onnxruntime makes of the planes. */
  async function unpacked(codes: Uint8Array, layout: { bits: number; lanes: 1 | 2 }): Promise<number[]> {
    const b = createGraphBuilder({ name: 'unpack', opset: 21, opsets: { [FUNCTION_DOMAIN]: 1 } });
    const planes = b.initializer('planes', packBitPlanes(codes, layout));
    const [fields = ''] = b.node('Unpack', [planes], { domain: FUNCTION_DOMAIN });
    b.output(fields, { name: 'y', dtype: 'int32', dims: ['n'] });
    const nodes = bitPlaneNodes(layout);
    const model = b.build();
    const whole = withFunction(model, model.graph, { name: 'Unpack', inputs: ['planes'], outputs: ['fields'], nodes });
    expect(withFunction(whole, whole.graph, { name: 'Unpack', inputs: [], outputs: [], nodes }).functions).toHaveLength(
      1,
    );
    const session = await createSession(whole, { threads: 1 });
    const { y } = await session.run({});
    await session.release();
    return [...elements(y!, 'int32')];
  }

  it.each([1, 2, 3, 4, 7])('unpacks codes of %i bits', async (bits) => {
    const codes = codesOf(bits, 83);
    const back = await unpacked(codes, { bits, lanes: 1 });
    expect(back.slice(0, 83)).toEqual([...codes]);
    expect(back.slice(83).every((code) => code === 0)).toBe(true);
  });

  it.each([2, 3, 4])('packs two codes of %i bits side by side, the first low', async (bits) => {
    const codes = codesOf(bits, 96);
    const pairs = Array.from({ length: 48 }, (_, at) => codes[2 * at]! | (codes[2 * at + 1]! << 4));
    expect(await unpacked(codes, { bits, lanes: 2 })).toEqual(pairs);
  });
});

import { describe, expect, it } from 'vitest';
import type { Model } from '../../../engine/definitions/model.ts';
import { replaceInitializer, withGraph } from '../../../numerics/onnx/edit.ts';
import { createSession } from '../../../engine/runtime/session.ts';
import { elements, tensorOf } from '../../../numerics/tensor/tensor.ts';
import rtn from '../../../methods/quantization/rtn.ts';
import { dequantizeWeight, quantizeWeight } from '../../../methods/shared/formats/matmul-nbits.ts';
import { effectiveWeight } from '../../support/effective-weight.ts';
import { methodContext } from '../../support/method-context.ts';
import { tinyLlama } from '../../support/tiny-model.ts';

const model = tinyLlama({ width: 64, hiddenWidth: 80, vocabularySize: 48 });

async function logitsOf(compressed: Model): Promise<Float32Array> {
  const session = await createSession(compressed.onnx, { threads: 1 });
  const ids = BigInt64Array.from({ length: 16 }, (_, at) => BigInt((at * 7 + 3) % 48));
  const { logits } = await session.run({ input_ids: tensorOf('int64', [2, 8], ids) });
  await session.release();
  return elements(logits!, 'float32').slice();
}

function relativeDistance(a: Float32Array, b: Float32Array): number {
  let difference = 0;
  let norm = 0;
  a.forEach((value, at) => {
    difference += (value - b[at]!) ** 2;
    norm += b[at]! ** 2;
  });
  return Math.sqrt(difference / norm);
}

function compress(params: Record<string, unknown>, dense = model) {
  const method = { ...rtn, variants: { case: params } };
  const { context, notes } = methodContext({ method, variant: 'case', model: dense });
  return { compressed: rtn.compress(dense, context) as Model, notes };
}

type Format = {
  readonly bits: 2 | 3 | 4 | 8;
  readonly groupSize: 16 | 32 | 'channel';
  readonly symmetric: boolean;
};

/** The dense graph with every linear weight rounded: what the packed graph must compute. */
function rounded(dense: Model, format: Format): Model {
  return dense.linears.reduce((current, linear) => {
    const { inFeatures, outFeatures } = linear;
    const weight = dequantizeWeight(quantizeWeight(dense.weight(linear), { inFeatures, outFeatures, ...format }));
    return current.withWeight(linear, tensorOf('float32', [inFeatures, outFeatures], weight));
  }, dense);
}

describe('rtn', () => {
  const formats: readonly Format[] = [
    { bits: 8, groupSize: 'channel', symmetric: true },
    { bits: 8, groupSize: 32, symmetric: false },
    { bits: 4, groupSize: 'channel', symmetric: false },
    { bits: 4, groupSize: 16, symmetric: true },
    { bits: 4, groupSize: 32, symmetric: false },
    { bits: 3, groupSize: 'channel', symmetric: false },
    { bits: 3, groupSize: 16, symmetric: true },
    { bits: 3, groupSize: 32, symmetric: false },
    { bits: 2, groupSize: 'channel', symmetric: true },
    { bits: 2, groupSize: 16, symmetric: true },
    { bits: 2, groupSize: 32, symmetric: false },
  ];
  it.each(formats)('computes the same in the packed graph as with the rounded weights: %o', async (format) => {
    const { compressed } = compress({ ...format, activations: 'float32' });
    const packed = await logitsOf(compressed);
    expect(relativeDistance(packed, await logitsOf(rounded(model, format)))).toBeLessThan(1e-5);
    expect(relativeDistance(packed, await logitsOf(model))).toBeGreaterThan(1e-4);
    const { compressed: integer } = compress({ ...format, activations: 'int8' });
    expect(relativeDistance(await logitsOf(integer), packed)).toBeLessThan(0.05);
  });

  it('has no float32 weight of a linear layer, and the stated number of bits', () => {
    const { compressed } = compress({ bits: 4, groupSize: 32 });
    for (const { weight, inFeatures, outFeatures } of model.linears) {
      expect(compressed.onnx.graph.initializers.has(weight)).toBe(false);
      const codes = compressed.onnx.graph.initializers.get(`${weight}.codes`);
      expect(codes?.dims).toEqual([outFeatures, Math.ceil(inFeatures / 32), 16]);
    }
  });

  it.each(formats)('packs the rounded weights by the operator’s specification: %o', (format) => {
    const { compressed } = compress(format);
    const expected = rounded(model, format);
    for (const linear of model.linears) {
      expect(effectiveWeight(compressed, linear)).toEqual(expected.weight(linear));
    }
  });

  it('notes when the kernel does not support the request', () => {
    expect(compress({ bits: 2, groupSize: 16 }).notes).toEqual([
      expect.stringMatching(/^2 bits in blocks of 16 have no int8 kernel/),
    ]);
    expect(compress({ bits: 8, activations: 'float32' }).notes).toEqual([
      expect.stringMatching(/^8 bits with float32 activations/),
    ]);
    expect(compress({ bits: 2, groupSize: 32 }).notes).toEqual([]);
    expect(compress({ bits: 2 }).notes).toEqual([]);
    expect(compress({ bits: 4, groupSize: 16, activations: 'float32' }).notes).toEqual([]);
  });

  for (const [embedding, bits] of [
    ['int8', 8],
    ['int4', 4],
    ['int2', 2],
  ] as const) {
    it(`keeps one ${embedding} table for lookup and logits when they are tied`, async () => {
      const { compressed } = compress({ bits: 4, groupSize: 32, activations: 'float32', embedding });
      const { graph } = compressed.onnx;
      const table = model.roles.embedding.weight;
      expect(graph.initializers.has(table)).toBe(false);
      const readers = graph.nodes.filter((node) => node.inputs.includes(`${table}.codes`)).map((node) => node.op);
      expect(readers).toEqual(['GatherBlockQuantized', 'MatMulNBits']);

      const quantized = quantizeWeight(transposedTable(model), {
        inFeatures: 64,
        outFeatures: 48,
        bits,
        symmetric: true,
        groupSize: 32,
      });
      const plain = rounded(model, { bits: 4, groupSize: 32, symmetric: true });
      const values = dequantizeWeight(quantized);
      const rows = Float32Array.from({ length: 48 * 64 }, (_, at) => values[(at % 64) * 48 + Math.floor(at / 64)]!);
      const expected = plain.withOnnx(
        withGraph(plain.onnx, replaceInitializer(plain.onnx.graph, table, tensorOf('float32', [48, 64], rows))),
      );
      expect(relativeDistance(await logitsOf(compressed), await logitsOf(expected))).toBeLessThan(1e-5);
    });
  }

  it('quantizes an output layer with a weight of its own too', async () => {
    const untied = tinyLlama({ width: 64, hiddenWidth: 80, vocabularySize: 48, tied: false });
    const { compressed } = compress({ bits: 8, groupSize: 32, embedding: 'int8' }, untied);
    const head = untied.roles.head?.weight ?? '';
    expect(compressed.onnx.graph.initializers.has(head)).toBe(false);
    expect(compressed.onnx.graph.initializers.has(`${head}.codes`)).toBe(true);
    expect(relativeDistance(await logitsOf(compressed), await logitsOf(untied))).toBeLessThan(0.05);
  });
});

function transposedTable(dense: Model): Float32Array {
  const tensor = dense.onnx.graph.initializers.get(dense.roles.embedding.weight);
  if (tensor === undefined) throw new Error('no table');
  const values = elements(tensor, 'float32');
  return Float32Array.from({ length: values.length }, (_, at) => values[(at % 48) * 64 + Math.floor(at / 48)]!);
}

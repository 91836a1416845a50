import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Model } from '../../../engine/definitions/model.ts';
import { createSession } from '../../../engine/runtime/session.ts';
import { elements, tensorOf } from '../../../numerics/tensor/tensor.ts';
import int8Dynamic from '../../../methods/quantization/int8-dynamic.ts';
import { withIntegerMatMuls } from '../../../methods/shared/formats/dynamic-int8.ts';
import { quantizeInt8 } from '../../../methods/shared/formats/int8-weight.ts';
import { methodContext } from '../../support/method-context.ts';
import { oneLinear, roleOfOneLinear, runOneLinear } from '../../support/one-linear.ts';
import { tinyLlama } from '../../support/tiny-model.ts';

interface Golden {
  readonly cases: readonly {
    readonly name: string;
    readonly inFeatures: number;
    readonly outFeatures: number;
    readonly granularity: 'tensor' | 'channel';
    readonly reducedRange: boolean;
    readonly weight: string;
    readonly codes: string;
    readonly scales: string;
    readonly input: string;
    readonly output: string;
  }[];
}

const golden = JSON.parse(readFileSync(new URL('../../golden/int8-dynamic.json', import.meta.url), 'utf8')) as Golden;

function floats(base64: string): Float32Array {
  return new Float32Array(new Uint8Array(Buffer.from(base64, 'base64')).buffer);
}

describe('quantizeInt8', () => {
  for (const entry of golden.cases) {
    const { inFeatures, outFeatures, granularity, reducedRange } = entry;
    const label = `${entry.name}, per ${granularity}, ${reducedRange ? 7 : 8} bits`;
    it(`equals the codes, scales and output of quantize_dynamic: ${label}`, async () => {
      const weight = floats(entry.weight);
      const quantized = quantizeInt8(weight, { inFeatures, outFeatures, granularity, reducedRange });
      expect(quantized.scales).toEqual(floats(entry.scales));
      expect([...quantized.codes]).toEqual([...new Int8Array(Buffer.from(entry.codes, 'base64'))]);

      const dense = oneLinear(weight, inFeatures, outFeatures);
      const linear = roleOfOneLinear(inFeatures, outFeatures);
      const graph = withIntegerMatMuls(dense.graph, [{ linear, weight: quantized }]);
      const y = await runOneLinear({ ...dense, graph }, floats(entry.input), inFeatures);
      const expected = floats(entry.output);
      const largest = Math.max(...expected.map(Math.abs));
      y.forEach((value, at) => {
        expect(Math.abs(value - expected[at]!)).toBeLessThan(1e-6 * largest);
      });
    });
  }
});

describe('int8-dynamic', () => {
  const model = tinyLlama();
  const compress = (variant: string) =>
    int8Dynamic.compress(model, methodContext({ method: int8Dynamic, variant, model }).context) as Model;
  const countOps = (compressed: Model, op: string) =>
    compressed.onnx.graph.nodes.filter((node) => node.op === op).length;

  it('quantizes each activation once, however many layers read it', () => {
    const compressed = compress('channel');
    // Per layer: into q, k, v; into o; into gate, up; into down.
    expect(countOps(compressed, 'DynamicQuantizeLinear')).toBe(4 * model.roles.layers.length);
    expect(countOps(compressed, 'MatMulInteger')).toBe(model.linears.length);
  });

  it('keeps the other layers in float32 on request', () => {
    const attention = compress('channel-attention');
    const { q, up } = model.roles.layers[0]!;
    expect(attention.onnx.graph.initializers.has(q.weight)).toBe(false);
    expect(attention.weight(up)).toEqual(model.weight(up));
    expect(countOps(attention, 'MatMulInteger')).toBe(4 * model.roles.layers.length);
    expect(countOps(compress('channel-feed-forward'), 'MatMulInteger')).toBe(3 * model.roles.layers.length);
  });

  it('keeps one int8 table for lookup and logits when they are tied', async () => {
    const compressed = compress('channel-e8');
    const { graph } = compressed.onnx;
    const table = model.roles.embedding.weight;
    expect(graph.initializers.has(table)).toBe(false);
    const codes = graph.initializers.get(`${table}.codes`);
    expect(codes).toMatchObject({ dtype: 'int8', dims: [64, 32] });
    const readers = graph.nodes.filter((node) => node.inputs.includes(`${table}.codes`)).map((node) => node.op);
    expect(readers).toEqual(['Gather', 'Transpose']);
    const [integers, plain] = [await logitsOf(compressed), await logitsOf(compress('channel'))];
    const difference = Math.hypot(...integers.map((value, at) => value - plain[at]!));
    expect(difference / Math.hypot(...plain)).toBeLessThan(0.04);
    expect(difference).toBeGreaterThan(0);
  });

  it('also quantizes a separate output layer', () => {
    const untied = tinyLlama({ tied: false });
    const { context } = methodContext({ method: int8Dynamic, variant: 'channel-e8', model: untied });
    const { graph } = (int8Dynamic.compress(untied, context) as Model).onnx;
    expect(graph.initializers.has(untied.roles.head?.weight ?? '')).toBe(false);
    expect(graph.nodes.filter((node) => node.op === 'MatMulInteger')).toHaveLength(untied.linears.length + 1);
  });
});

async function logitsOf(compressed: Model): Promise<Float32Array> {
  const session = await createSession(compressed.onnx, { threads: 1 });
  const ids = BigInt64Array.from({ length: 16 }, (_, at) => BigInt((at * 7 + 3) % 64));
  const { logits } = await session.run({ input_ids: tensorOf('int64', [2, 8], ids) });
  await session.release();
  return elements(logits!, 'float32').slice();
}

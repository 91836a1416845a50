import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { activationRanges } from '../../../engine/calibrate/activation-ranges.ts';
import type { Model } from '../../../engine/definitions/model.ts';
import { readPlacement } from '../../../engine/runtime/placement.ts';
import { createSession } from '../../../engine/runtime/session.ts';
import { exampleFeeds } from '../../../engine/runtime/token-feeds.ts';
import { elements } from '../../../numerics/tensor/tensor.ts';
import int8Static from '../../../methods/quantization/int8-static.ts';
import { gridOfActivations } from '../../../methods/shared/formats/activation-grid.ts';
import { quantizeInt8 } from '../../../methods/shared/formats/int8-weight.ts';
import { withStaticIntegers } from '../../../methods/shared/formats/static-int8.ts';
import { methodContext } from '../../support/method-context.ts';
import { oneLinear, roleOfOneLinear, runOneLinear } from '../../support/one-linear.ts';
import { logitsOf } from '../../support/run-model.ts';
import { tinyBert, tinyLlama, tinyModels } from '../../support/tiny-model.ts';

interface Golden {
  readonly cases: readonly {
    readonly name: string;
    readonly granularity: 'tensor' | 'channel';
    readonly inFeatures: number;
    readonly outFeatures: number;
    readonly weight: string;
    readonly batches: readonly string[];
    readonly input: string;
    readonly output: string;
    readonly inputScale: number;
    readonly inputZeroPoint: number;
    readonly outputScale: number;
    readonly outputZeroPoint: number;
    readonly codes: string;
  }[];
}

const golden = JSON.parse(readFileSync(new URL('../../golden/int8-static.json', import.meta.url), 'utf8')) as Golden;

function floats(base64: string): Float32Array {
  return new Float32Array(new Uint8Array(Buffer.from(base64, 'base64')).buffer);
}

describe('withStaticIntegers', () => {
  it.each(golden.cases)(
    'equals the grids, codes and output of quantize_static: $name, per $granularity',
    async (entry) => {
      const { inFeatures, outFeatures, granularity } = entry;
      const weight = floats(entry.weight);
      const dense = oneLinear(weight, inFeatures, outFeatures);
      const inputs = entry.batches.map(floats);
      const outputs = await Promise.all(inputs.map((x) => runOneLinear(dense, x, inFeatures)));
      const rangeOf = (parts: readonly Float32Array[]) => {
        const all = parts.flatMap((part) => [...part]);
        return { low: Math.min(...all), high: Math.max(...all) };
      };
      const ranges = new Map([
        ['hidden', rangeOf(inputs)],
        ['product', rangeOf(outputs)],
      ]);
      const [input, output] = ['hidden', 'product'].map((value) => {
        const range = ranges.get(value);
        return range && gridOfActivations(range, 8);
      });
      expect(input?.zeroPoint).toBe(entry.inputZeroPoint);
      expect(output?.zeroPoint).toBe(entry.outputZeroPoint);
      expect(input?.scale).toBeCloseTo(entry.inputScale, 7);
      expect(output?.scale).toBeCloseTo(entry.outputScale, 6);
      const quantized = quantizeInt8(weight, { inFeatures, outFeatures, granularity, reducedRange: false });
      expect([...quantized.codes]).toEqual([...new Int8Array(Buffer.from(entry.codes, 'base64'))]);

      const linear = roleOfOneLinear(inFeatures, outFeatures);
      const graph = withStaticIntegers(dense.graph, [{ linear, weight: quantized }], ranges);
      const y = await runOneLinear({ ...dense, graph }, floats(entry.input), inFeatures);
      floats(entry.output).forEach((value, at) => expect(y[at]).toBeCloseTo(value, 5));
    },
  );

  it('refuses an input without a calibrated range', () => {
    const weight = new Float32Array(16).fill(1);
    const layers = [
      {
        linear: roleOfOneLinear(4, 4),
        weight: quantizeInt8(weight, { inFeatures: 4, outFeatures: 4, granularity: 'channel', reducedRange: false }),
      },
    ];
    expect(() => withStaticIntegers(oneLinear(weight, 4, 4).graph, layers, new Map())).toThrow('"hidden"');
  });
});

describe('gridOfActivations', () => {
  it('represents zero exactly, and accepts any scale where all values are zero', () => {
    expect(gridOfActivations({ low: -1, high: 3 }, 4)).toEqual({ bits: 4, scale: Math.fround(4 / 15), zeroPoint: 4 });
    expect(gridOfActivations({ low: 2, high: 3 }, 8)).toEqual({ bits: 8, scale: Math.fround(3 / 255), zeroPoint: 0 });
    expect(gridOfActivations({ low: -2, high: -1 }, 8)).toMatchObject({ zeroPoint: 255 });
    expect(gridOfActivations({ low: 0, high: 0 }, 8)).toEqual({ bits: 8, scale: 1, zeroPoint: 0 });
  });
});

describe('int8-static', () => {
  async function compress(variant: string, model: Model = tinyLlama()): Promise<Model> {
    return int8Static.compress(model, methodContext({ method: int8Static, variant, model }).context);
  }
  async function operatorsRun({ onnx }: Model): Promise<Readonly<Record<string, number>>> {
    const folder = mkdtempSync(join(tmpdir(), 'int8-static-'));
    try {
      const session = await createSession(onnx, { threads: 1, profilePrefix: join(folder, 'profile') });
      await session.run(exampleFeeds(onnx.graph.inputs, { tokens: Int32Array.of(1, 2, 3, 4) }));
      const placement = await readPlacement(session.endProfiling());
      await session.release();
      return placement.operators;
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  it.each(tinyModels.map((model) => [model.id, model] as const))(
    'runs as integer products that onnxruntime fuses, one rounding per activation: %s',
    async (_, model) => {
      const operators = await operatorsRun(await compress('minmax', model));
      expect(operators['MatMulIntegerToFloat']).toBe(model.linears.length);
      expect(operators['QuantizeLinear']).toBe(4 * model.roles.layers.length);
      expect(operators['DequantizeLinear'] ?? 0).toBe(0);
      const whole = await operatorsRun(await compress('minmax-outputs', model));
      expect(whole['QLinearMatMul']).toBe(model.linears.length);
      expect(whole['MatMulIntegerToFloat'] ?? 0).toBe(0);
    },
  );

  it('rounds only the inputs of linear layers: the residual stream of an encoder is not rounded', async () => {
    const model = tinyBert();
    const { graph } = (await compress('minmax', model)).onnx;
    const { input } = model.roles.layers[0]!;
    const readers = graph.nodes.filter((node) => node.inputs.includes(input)).map(({ op }) => op);
    expect(readers.sort()).toEqual(['Add', 'QuantizeLinear']);
  });

  it('is closer to dense with a scale per output than with one per matrix, and takes ranges from calibration only', async () => {
    const model = tinyLlama();
    const rows = [
      [1, 9, 17, 4, 33, 60, 2, 8],
      [5, 5, 40, 12, 7, 21, 3, 50],
    ];
    const dense = await logitsOf(model, rows);
    const distance = async (variant: string) => {
      const logits = await logitsOf(await compress(variant, model), rows);
      return Math.hypot(...logits.map((value, at) => value - dense[at]!)) / Math.hypot(...dense);
    };
    const [channel, tensor] = [await distance('minmax'), await distance('minmax-tensor')];
    expect(channel).toBeLessThan(tensor);
    expect(channel).toBeLessThan(0.05);

    const { context } = methodContext({ method: int8Static, variant: 'percentile-999', model });
    const { onnx } = await int8Static.compress(model, context);
    const { input } = model.linears[0]!;
    const rule = { kind: 'percentile', percentile: 99.9 } as const;
    const ranges = await activationRanges({ model, examples: context.calibration.examples, values: [input], rule });
    const scale = onnx.graph.initializers.get(`${input}.scale`);
    if (scale === undefined) throw new Error('no scale');
    const { low, high } = ranges.get(input) ?? { low: 0, high: 0 };
    expect(elements(scale, 'float32')[0]).toBe(Math.fround((high - low) / 255));
  });
});

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  activationRanges,
  addToHistogram,
  entropyRange,
  type Histogram,
  percentileRange,
} from '../../../engine/calibrate/activation-ranges.ts';
import { captureValues } from '../../../engine/runtime/capture.ts';
import { elements } from '../../../numerics/tensor/tensor.ts';
import { randomExamples } from '../../support/method-context.ts';
import { tinyBert } from '../../support/tiny-model.ts';

interface Golden {
  readonly cases: readonly {
    readonly kind: string;
    readonly count: number;
    readonly percentile: readonly { readonly percentile: number; readonly range: readonly [number, number] }[];
    readonly entropy: readonly {
      readonly bins: number;
      readonly levels: number;
      readonly range: readonly [number, number];
    }[];
    /** In 512 bins. */
    readonly counts: readonly number[];
  }[];
}

const { cases } = JSON.parse(
  readFileSync(new URL('../../golden/activation-ranges.json', import.meta.url), 'utf8'),
) as Golden;

/** As test/golden/scripts/activation-ranges.py makes them. */
function data(kind: string, count: number): Float32Array {
  const x = Float64Array.from({ length: count }, (_, i) => {
    const v = 2 * (((i * (i + 3) * 7919) % 10007) / 10007) - 1;
    if (kind === 'peaked') return v * v * v * 3;
    if (kind === 'shifted') return v * Math.abs(v) + 0.25;
    return kind === 'positive' ? v * v * v * v : v * v * v;
  });
  if (kind === 'tailed') x.forEach((value, i) => i % 25 === 0 && (x[i] = value * 3));
  return Float32Array.from(x);
}

function histogramOf(x: Float32Array, bins: number): Histogram {
  const [low, high] = [Math.min(...x), Math.max(...x)];
  const limit = Math.max(Math.abs(low), Math.abs(high));
  const histogram = { low, high, limit, counts: new Float64Array(bins) };
  addToHistogram(histogram, x);
  return histogram;
}

describe.each(cases)('as onnxruntime calibrates: $kind', ({ kind, count, percentile, entropy, counts }) => {
  const x = data(kind, count);

  it('counts the same histogram', () => {
    expect([...histogramOf(x, 512).counts]).toEqual(counts);
  });

  it.each(percentile)('finds the range of percentile $percentile', ({ percentile, range }) => {
    const { low, high } = percentileRange(histogramOf(x, 2048), { percentile });
    expect(low).toBeCloseTo(range[0], 6);
    expect(high).toBeCloseTo(range[1], 6);
  });

  it.each(entropy)('finds the range of least divergence: $bins bins, $levels levels', ({ bins, levels, range }) => {
    const { low, high } = entropyRange(histogramOf(x, bins), { levels });
    expect(low).toBeCloseTo(range[0], 6);
    expect(high).toBeCloseTo(range[1], 6);
  });
});

describe('activationRanges', () => {
  const model = tinyBert();
  const { examples } = randomExamples(model, 'ranges', { count: 3 });
  const values = [model.linears[0]!.input, model.linears[5]!.output];

  it('spans the values of the examples, and less where extremes are clipped', async () => {
    const seen = new Map(values.map((value) => [value, [] as number[]]));
    await captureValues({
      model: model.onnx,
      values,
      examples,
      visit: (captured) => values.forEach((value) => seen.get(value)?.push(...elements(captured[value]!, 'float32'))),
    });
    const whole = await activationRanges({ model, examples, values, rule: { kind: 'min-max' } });
    const cut = await activationRanges({ model, examples, values, rule: { kind: 'percentile', percentile: 95 } });
    const least = await activationRanges({ model, examples, values, rule: { kind: 'entropy', levels: 256 } });
    for (const value of values) {
      const x = (seen.get(value) ?? []).sort((a, b) => a - b);
      expect(whole.get(value)).toEqual({ low: x[0], high: x.at(-1) });
      const inside = x.filter(
        (element) => element >= (cut.get(value)?.low ?? 0) && element <= (cut.get(value)?.high ?? 0),
      );
      expect(inside.length / x.length).toBeGreaterThan(0.94);
      expect(inside.length / x.length).toBeLessThan(0.96);
      expect(least.get(value)?.low).toBeGreaterThanOrEqual(x[0]!);
      expect(least.get(value)?.high).toBeLessThanOrEqual(x.at(-1) as number);
    }
  });

  it('gives a value that is always zero the range zero', () => {
    const zeros = histogramOf(new Float32Array(100), 2048);
    for (const range of [percentileRange(zeros, { percentile: 99 }), entropyRange(zeros, { levels: 256 })]) {
      expect(Math.abs(range.low)).toBe(0);
      expect(Math.abs(range.high)).toBe(0);
    }
  });
});

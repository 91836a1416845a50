import { describe, expect, it } from 'vitest';
import { activationNorms } from '../../../engine/calibrate/activation-norms.ts';
import { compressLayerByLayer } from '../../../engine/calibrate/layer-by-layer.ts';
import { secondMoments } from '../../../engine/calibrate/second-moments.ts';
import { linearsOfLayer } from '../../../engine/model/model.ts';
import { captureValues } from '../../../engine/runtime/capture.ts';
import { elements } from '../../../numerics/tensor/tensor.ts';
import type { Example } from '../../../engine/definitions/method.ts';
import type { Model } from '../../../engine/definitions/model.ts';
import { randomExamples } from '../../support/method-context.ts';
import { tinyLlama, tinyModels } from '../../support/tiny-model.ts';

const model = tinyLlama();
// Unequal lengths: padding would show.
const examples: readonly Example[] = randomExamples(model, 'calibrate', { count: 3 }).examples.map(({ tokens }, i) => ({
  tokens: tokens.subarray(0, 5 + 4 * i),
}));
const positions = 5 + 9 + 13;

/** Rows of a value over all examples, [positions][features]. */
async function rowsOf(of: Model, value: string, features: number): Promise<number[][]> {
  const rows: number[][] = [];
  await captureValues({
    model: of.onnx,
    values: [value],
    examples,
    visit(captured) {
      const flat = elements(captured[value]!, 'float32');
      for (let at = 0; at < flat.length; at += features) rows.push([...flat.subarray(at, at + features)]);
    },
  });
  return rows;
}

function expectClose(actual: ArrayLike<number>, expected: readonly number[], relative: number): void {
  expect(actual.length).toBe(expected.length);
  const scale = Math.max(...expected.map(Math.abs));
  expected.forEach((value, i) => expect(Math.abs(actual[i]! - value)).toBeLessThanOrEqual(relative * scale));
}

describe('captureValues', () => {
  it('returns each example separately and stops when aborted', async () => {
    const seen: (readonly number[])[] = [];
    const { output } = model.roles.layers[0]!;
    await captureValues({
      model: model.onnx,
      values: [output],
      examples,
      visit: (c) => void seen.push(c[output]!.dims),
    });
    expect(seen).toEqual([
      [1, 5, 32],
      [1, 9, 32],
      [1, 13, 32],
    ]);
    const signal = AbortSignal.abort(new Error('time is over'));
    await expect(captureValues({ model: model.onnx, values: [output], examples, visit() {}, signal })).rejects.toThrow(
      'time is over',
    );
    await expect(captureValues({ model: model.onnx, values: ['nowhere'], examples, visit() {} })).rejects.toThrow(
      '"nowhere"',
    );
  });
});

describe('secondMoments', () => {
  it('is the sum of outer products of the input rows of a layer', async () => {
    const moments = await secondMoments({ model, examples });
    expect([...moments.keys()]).toEqual(model.linears.map(({ role }) => role));
    for (const linear of [model.linears[0], model.linears[6], model.linears[10]]) {
      const rows = await rowsOf(model, linear!.input, linear!.inFeatures);
      const moment = moments.get(linear!.role);
      expect(moment?.count).toBe(positions);
      const n = linear!.inFeatures;
      const expected = Array.from({ length: n * n }, (_, at) =>
        rows.reduce((sum, row) => sum + row[Math.floor(at / n)]! * row[at % n]!, 0),
      );
      expectClose(moment?.sum ?? [], expected, 1e-6);
    }
  });

  it('is shared by layers with the same input', async () => {
    const { q, k, o } = model.roles.layers[0]!;
    const moments = await secondMoments({ model, examples, linears: [q, k, o] });
    expect(moments.get(q.role)?.sum).toBe(moments.get(k.role)?.sum);
    expect(moments.get(q.role)?.sum).not.toBe(moments.get(o.role)?.sum);
  });
});

describe('activationNorms', () => {
  it('measures every feature over all positions', async () => {
    const { down } = model.roles.layers[1]!;
    const norms = (await activationNorms({ model, examples, linears: [down] })).get(down.role);
    const rows = await rowsOf(model, down.input, down.inFeatures);
    const feature = (measure: (values: readonly number[]) => number) =>
      Array.from({ length: down.inFeatures }, (_, j) => measure(rows.map((row) => row[j]!)));
    expectClose(
      norms?.euclidean ?? [],
      feature((x) => Math.hypot(...x)),
      1e-6,
    );
    expectClose(
      norms?.meanAbsolute ?? [],
      feature((x) => x.reduce((sum, y) => sum + Math.abs(y), 0) / x.length),
      1e-6,
    );
    expectClose(
      norms?.largestAbsolute ?? [],
      feature((x) => Math.max(...x.map(Math.abs))),
      0,
    );
    expect(norms?.count).toBe(positions);
  });
});

describe('compressLayerByLayer', () => {
  const walk = {
    model,
    examples,
    statistics: ['second-moment'],
    signal: new AbortController().signal,
    progress() {},
  } as const;

  it.each(tinyModels.map((each) => [each.id, each] as const))(
    'shows each block the inputs that come out of the compressed ones before it: %s',
    async (_, model) => {
      const seen = new Map<string, Float64Array>();
      const smaller = await compressLayerByLayer({
        ...walk,
        model,
        compressLinear(linear, weight, statistics) {
          seen.set(linear.role, statistics.of('second-moment'));
          return weight.map((value) => value / 2);
        },
      });
      const [first, second] = model.roles.layers;
      const onDense = await secondMoments({ model, examples });
      for (const { role } of linearsOfLayer(first!))
        expectClose(seen.get(role) ?? [], [...(onDense.get(role)?.sum ?? [])], 1e-6);
      const halfWay = linearsOfLayer(first!).reduce(
        (m, linear) => m.withWeight(linear, smaller.onnx.graph.initializers.get(linear.weight) as never),
        model,
      );
      const onHalfWay = await secondMoments({ model: halfWay, examples });
      for (const { role } of linearsOfLayer(second!))
        expectClose(seen.get(role) ?? [], [...(onHalfWay.get(role)?.sum ?? [])], 1e-5);
      for (const linear of model.linears)
        expect(smaller.weight(linear)).toEqual(model.weight(linear).map((x) => x / 2));
    },
  );

  it('reports progress and honours the abort signal', async () => {
    const shares: number[] = [];
    await compressLayerByLayer({
      ...walk,
      compressLinear: (_, weight) => weight,
      progress: (share) => void shares.push(share),
    });
    expect(shares).toHaveLength(model.linears.length);
    expect(shares.at(-1)).toBe(1);
    expect(shares).toEqual([...shares].sort((x, y) => x - y));
    const aborting = new AbortController();
    const aborted = compressLayerByLayer({
      ...walk,
      signal: aborting.signal,
      compressLinear(_, weight) {
        aborting.abort(new Error('time is over'));
        return weight;
      },
    });
    await expect(aborted).rejects.toThrow('time is over');
  });
});

import { describe, expect, it } from 'vitest';
import type { Model } from '../../../../engine/definitions/model.ts';
import { elements, tensorOf } from '../../../../numerics/tensor/tensor.ts';
import { keepFeatures, strongestFeatures } from '../../../../methods/shared/surgery/narrowed-stream.ts';
import { randomExamples } from '../../../support/method-context.ts';
import { largestDifference, logitsOf } from '../../../support/run-model.ts';
import { tinyLlama, tinyModels } from '../../../support/tiny-model.ts';

const rows = [[1, 9, 17, 4, 33, 60]];
const all = Array.from({ length: 32 }, (_, feature) => feature);
const kept = all.filter((feature) => feature % 4 !== 2);
const { signal } = new AbortController();

function withValues(model: Model, name: string, change: (value: number, at: number) => number): Model {
  const tensor = model.onnx.graph.initializers.get(name);
  if (tensor === undefined) throw new Error(`no ${name}`);
  const changed = tensorOf('float32', tensor.dims, elements(tensor, 'float32').map(change));
  const initializers = new Map(model.onnx.graph.initializers).set(name, changed);
  return model.withOnnx({ ...model.onnx, graph: { ...model.onnx.graph, initializers } });
}

describe.each(tinyModels.map((model) => [model.id, model] as const))('keepFeatures of %s', (_, model) => {
  it('equals the model where all features are kept', async () => {
    expect(largestDifference(await logitsOf(keepFeatures(model, all), rows), await logitsOf(model, rows))).toBe(0);
  });

  it('runs at the smaller width, with all weights and roles cut to match', async () => {
    const narrow = keepFeatures(model, kept);
    const logits = await logitsOf(narrow, rows);
    expect(logits).toHaveLength((await logitsOf(model, rows)).length);
    expect(logits.every(Number.isFinite)).toBe(true);
    expect(narrow.roles.width).toBe(24);
    for (const linear of narrow.linears)
      expect(narrow.weight(linear)).toHaveLength(linear.inFeatures * linear.outFeatures);
    const [before, after] = [model, narrow].map(({ roles, weight }) => weight(roles.layers[0]?.up as never));
    expect(after?.subarray(0, 48)).toEqual(before?.subarray(0, 48));
    expect(after?.subarray(2 * 48, 3 * 48)).toEqual(before?.subarray(3 * 48, 4 * 48));
  });
});

describe('keepFeatures', () => {
  it('computes the same where the removed features were always zero, apart from the norm’s divisor', async () => {
    let idle: Model = tinyLlama();
    const gone = (at: number) => !kept.includes(at % 32);
    const written = idle.roles.layers.flatMap(({ o, down }) => [o.weight, down.weight]);
    for (const name of [idle.roles.embedding.weight, ...written])
      idle = withValues(idle, name, (value, at) => (gone(at) ? 0 : value));
    let narrow = keepFeatures(idle, kept);
    // The mean of squares runs over 24 features in place of 32.
    for (const [name, { dims }] of narrow.onnx.graph.initializers) {
      if (dims.length === 1 && dims[0] === 24) narrow = withValues(narrow, name, (value) => value * Math.sqrt(32 / 24));
    }
    expect(largestDifference(await logitsOf(narrow, rows), await logitsOf(idle, rows))).toBeLessThan(1e-3);
  });
});

describe('strongestFeatures', () => {
  it('are those with the most energy', async () => {
    let model: Model = tinyLlama();
    const weak = new Set([3, 11, 30]);
    const written = model.roles.layers.flatMap(({ o, down }) => [o.weight, down.weight]);
    for (const name of [model.roles.embedding.weight, ...written]) {
      model = withValues(model, name, (value, at) => (weak.has(at % 32) ? value / 10 : value));
    }
    const { examples } = randomExamples(model, 'features');
    expect(await strongestFeatures(model, { count: 29, examples, signal })).toEqual(
      all.filter((feature) => !weak.has(feature)),
    );
  });
});

import { describe, expect, it } from 'vitest';
import { InputError, UnsupportedError } from '../../../../contracts/errors.ts';
import type { LinearRole, Model } from '../../../../engine/definitions/model.ts';
import { headsOfLayer } from '../../../../engine/model/model.ts';
import { addInitializers, findNode, replaceNode, withGraph } from '../../../../numerics/onnx/edit.ts';
import { createNode } from '../../../../numerics/onnx/node.ts';
import { writeModel } from '../../../../numerics/onnx/write.ts';
import { elements, type Tensor, tensorOf } from '../../../../numerics/tensor/tensor.ts';
import { adamW } from '../../../../engine/training/optimizer.ts';
import { tokenBatches } from '../../../../engine/training/batches.ts';
import { taskLoss } from '../../../../engine/training/loss.ts';
import { train } from '../../../../engine/training/train.ts';
import { findAttention } from '../../../../methods/shared/surgery/attention.ts';
import {
  biasOf,
  countUnits,
  keepLayers,
  keepUnits,
  type KeptUnits,
} from '../../../../methods/shared/surgery/structure.ts';
import { randomExamples } from '../../../support/method-context.ts';
import { largestDifference, logitsOf } from '../../../support/run-model.ts';
import { tinyBert, tinyGpt, tinyLlama, tinyModels } from '../../../support/tiny-model.ts';

const rows = [
  [1, 9, 17, 4, 33, 60],
  [5, 5, 0, 63, 2, 8],
];
const each = tinyModels.map((model) => [model.id, model] as const);

/** Everything there is in the first block, and uneven parts of the second. */
function uneven(model: Model): readonly KeptUnits[] {
  return countUnits(model).map(({ heads, neurons }, layer) => ({
    heads: layer === 0 ? [...Array(heads).keys()] : heads === 2 ? [1] : [0, 2, 3],
    neurons: [...Array(neurons).keys()].filter((at) => layer === 0 || at % 3 !== 1),
  }));
}

/** The model with rows of a weight that are not listed set to zero. */
function onlyRows(model: Model, linear: LinearRole, kept: readonly number[]): Model {
  const weight = model.weight(linear).slice();
  for (let row = 0; row < linear.inFeatures; row++)
    if (!kept.includes(row)) weight.fill(0, row * linear.outFeatures, (row + 1) * linear.outFeatures);
  return model.withWeight(linear, tensorOf('float32', [linear.inFeatures, linear.outFeatures], weight));
}

function masked(model: Model, kept: readonly KeptUnits[]): Model {
  return model.roles.layers.reduce((result, { o, down }, index) => {
    const { groupWidth } = countUnits(model)[index] as { groupWidth: number };
    const { heads, neurons } = kept[index] as KeptUnits;
    const features = heads.flatMap((head) => Array.from({ length: groupWidth }, (_, at) => head * groupWidth + at));
    return onlyRows(onlyRows(result, o, features), down, neurons);
  }, model);
}

/** Every role's weight and bias has the shape the role says, and its node is there. */
function expectRolesToFit(model: Model): void {
  const { graph } = model.onnx;
  const made = new Set([...graph.inputs.map(({ name }) => name), ...graph.nodes.flatMap(({ outputs }) => outputs)]);
  for (const linear of model.linears) {
    expect(model.weight(linear)).toHaveLength(linear.inFeatures * linear.outFeatures);
    if (linear.bias !== undefined) expect(biasOf(model, linear)).toHaveLength(linear.outFeatures);
    expect(graph.nodes.find(({ name }) => name === linear.node)?.inputs).toEqual([linear.input, linear.weight]);
    expect(made.has(linear.input)).toBe(true);
  }
  for (const layer of model.roles.layers) {
    const { heads, keyValueHeads, headWidth } = headsOfLayer(model.roles, layer);
    expect(layer.q.outFeatures).toBe(heads * headWidth);
    expect(layer.k.outFeatures).toBe(keyValueHeads * headWidth);
    expect(layer.v.outFeatures).toBe(keyValueHeads * headWidth);
    expect(made.has(layer.input) && made.has(layer.output)).toBe(true);
  }
}

describe.each(each)('keepUnits on %s', (_, model) => {
  it('computes the same as the whole model with the other units set to zero', async () => {
    const kept = uneven(model);
    const cut = keepUnits(model, kept);
    const expected = await logitsOf(masked(model, kept), rows);
    expect(largestDifference(await logitsOf(cut, rows), expected)).toBeLessThan(1e-5);
    expect(largestDifference(expected, await logitsOf(model, rows))).toBeGreaterThan(0.05);
    expect(writeModel(cut.onnx).byteLength).toBeLessThan(writeModel(model.onnx).byteLength);
    expectRolesToFit(cut);
  });

  it('changes nothing where all units are kept', async () => {
    const all = countUnits(model).map(({ heads, neurons }) => ({
      heads: [...Array(heads).keys()],
      neurons: [...Array(neurons).keys()],
    }));
    const same = keepUnits(model, all);
    expect(largestDifference(await logitsOf(same, rows), await logitsOf(model, rows))).toBe(0);
    expect(same.onnx.graph.nodes).toHaveLength(model.onnx.graph.nodes.length);
  });

  it('can be repeated, and its result can be trained', async () => {
    const once = keepUnits(model, uneven(model));
    const first = countUnits(once).map(() => ({ heads: [0], neurons: [0, 2, 5] }));
    const twice = keepUnits(once, first);
    expectRolesToFit(twice);
    const expected = await logitsOf(masked(once, first), rows);
    expect(largestDifference(await logitsOf(twice, rows), expected)).toBeLessThan(1e-5);
    const task = model.kind === 'encoder' ? ('classification' as const) : ('next-token' as const);
    const { history } = await train({
      model: twice.onnx,
      loss: taskLoss(twice),
      feeds: [
        tokenBatches({
          examples: randomExamples(model, 'structure', { count: 4 }),
          batch: 4,
          sequence: 16,
          seed: 0,
          task,
          inputs: model.kind === 'encoder' ? ['attention_mask'] : [],
        }),
      ],
      optimizer: adamW(),
      schedule: () => 1e-2,
      steps: 8,
    });
    expect(history.loss.at(-1)).toBeLessThan(history.loss[0] as number);
  });

  it('refuses to remove all heads or neurons of a block', () => {
    const none = countUnits(model).map(() => ({ heads: [], neurons: [0] }));
    expect(() => keepUnits(model, none)).toThrow(InputError);
    expect(() => keepUnits(model, none.slice(1))).toThrow(InputError);
  });
});

describe('keepUnits', () => {
  it('keeps each key-value head together with the heads it serves', () => {
    const model = tinyLlama({ heads: 8, keyValueHeads: 4, layers: 1 });
    const cut = keepUnits(model, [{ neurons: [0], heads: [1, 3] }]);
    expect(cut.roles.layers[0]).toMatchObject({ heads: 4, keyValueHeads: 2 });
    const column = (of: Model, at: number) => {
      const linear = of.linears[0] as LinearRole;
      return Array.from({ length: 32 }, (_, row) => of.weight(linear)[row * linear.outFeatures + at]);
    };
    // Heads 2, 3 and 6, 7 of width 4.
    expect(column(cut, 0)).toEqual(column(model, 8));
    expect(column(cut, 7)).toEqual(column(model, 15));
    expect(column(cut, 8)).toEqual(column(model, 24));
  });
});

describe('keepLayers', () => {
  it.each([tinyLlama({ layers: 4 }), tinyGpt({ layers: 4 }), tinyBert({ layers: 4 })].map((m) => [m.id, m] as const))(
    'keeps the roles of %s right',
    async (_, model) => {
      for (const kept of [[0, 3], [2], [1, 2, 3]]) {
        const shallow = keepLayers(model, kept);
        expect(shallow.roles.layers).toHaveLength(kept.length);
        expect(shallow.linears.map(({ role }) => role)).toEqual(
          model.linears.map(({ role }) => role).filter((role) => kept.includes(Number(role.split('.')[1]))),
        );
        expectRolesToFit(shallow);
        // Two edits, one after the other and the other way round.
        const kinds = countUnits(shallow).map(() => ({ heads: [0], neurons: [1, 2] }));
        const both = keepUnits(shallow, kinds);
        const other = keepLayers(
          keepUnits(
            model,
            countUnits(model).map(() => ({ heads: [0], neurons: [1, 2] })),
          ),
          kept,
        );
        expect(largestDifference(await logitsOf(both, rows), await logitsOf(other, rows))).toBe(0);
      }
    },
  );
});

describe('findAttention', () => {
  it.each(each)('finds the products and their inputs: %s', (_, model) => {
    const [layer] = model.roles.layers as [Model['roles']['layers'][number]];
    const found = findAttention(model, layer);
    expect(found.scores.inputs).toEqual([found.queries, found.keys]);
    expect(found.mixed.inputs[1]).toBe(found.values);
    const repeats = model.roles.heads !== model.roles.keyValueHeads;
    expect(found.keys !== found.singleKeys).toBe(repeats);
    expect(found.values !== found.singleValues).toBe(repeats);
  });

  it('refuses attention in another form, and computed shapes', () => {
    const model = tinyGpt();
    const [layer] = model.roles.layers as [Model['roles']['layers'][number]];
    const { scores } = findAttention(model, layer);
    const doubled = replaceNode(model.onnx.graph, scores.name, [
      createNode({ op: 'Einsum', name: 'fused', inputs: scores.inputs, outputs: scores.outputs }),
    ]);
    expect(() => findAttention(model.withOnnx(withGraph(model.onnx, doubled)), layer)).toThrow(UnsupportedError);
    const { inputs, outputs } = findNode(model.onnx.graph, 'layers.0.attention.query');
    const [value, shape] = inputs as [string, string];
    const held = model.onnx.graph.initializers.get(shape) as Tensor;
    const computed = replaceNode(
      addInitializers(model.onnx.graph, { held: tensorOf('int64', held.dims, elements(held, 'int64')) }),
      'layers.0.attention.query',
      [
        createNode({ op: 'Identity', name: 'computed', inputs: ['held'], outputs: ['computed'] }),
        createNode({ op: 'Reshape', name: 'query', inputs: [value, 'computed'], outputs }),
      ],
    );
    const all = countUnits(model).map(() => ({ heads: [0], neurons: [0] }));
    expect(() => keepUnits(model.withOnnx(withGraph(model.onnx, computed)), all)).toThrow(UnsupportedError);
  });
});

import { describe, expect, it } from 'vitest';
import { createGraphBuilder } from '../../../numerics/onnx/builder.ts';
import type { OnnxModel } from '../../../numerics/onnx/graph.ts';
import { createSession } from '../../../engine/runtime/session.ts';
import { elements, type NumericTensor, tensorOf } from '../../../numerics/tensor/tensor.ts';
import { addMasks, foldIdentities } from '../../../engine/training/prepare-graph.ts';
import { tinyModels } from '../../support/tiny-model.ts';

async function logitsOf(model: OnnxModel): Promise<Float32Array> {
  const session = await createSession(model, { threads: 1 });
  const ids = (value: (at: number) => number) =>
    tensorOf(
      'int64',
      [2, 6],
      BigInt64Array.from({ length: 12 }, (_, at) => BigInt(value(at))),
    );
  // The second row ends in padding.
  const given = {
    input_ids: ids((at) => 3 + at),
    attention_mask: ids((at) => (at < 9 ? 1 : 0)),
    token_type_ids: ids(() => 0),
  };
  const wanted = new Set(session.inputs.map(({ name }) => name));
  try {
    const outputs = await session.run(Object.fromEntries(Object.entries(given).filter(([name]) => wanted.has(name))));
    return elements(outputs.logits as NumericTensor, 'float32');
  } finally {
    await session.release();
  }
}

describe('addMasks', () => {
  it.each(tinyModels.map((model) => [model.id, model.onnx] as const))(
    'leaves the outputs of %s as they are',
    async (_, model) => {
      const rewritten = addMasks(model);
      const count = (of: OnnxModel, op: string) => of.graph.nodes.filter((node) => node.op === op).length;
      expect(count(model, 'Softmax')).toBeGreaterThan(0);
      // One bias for all layers in place of a Where in each.
      expect(count(rewritten, 'Where')).toBe(count(model, 'Where') - count(model, 'Softmax') + 1);
      const [before, after] = [await logitsOf(model), await logitsOf(rewritten)];
      expect(Math.max(...after.map((value, at) => Math.abs(value - (before[at] as number))))).toBeLessThan(1e-6);
    },
  );

  it('keeps other choices', () => {
    const b = createGraphBuilder({ name: 'clamp', opset: 21 });
    const x = b.input('x', 'float32', [4]);
    b.output(b.where(b.less(x, b.scalar(0)), x, b.scalar(-1e9)), { name: 'y', dtype: 'float32', dims: [4] });
    const model = b.build();
    expect(addMasks(model)).toBe(model);
  });
});

describe('foldIdentities', () => {
  it('removes chains, and renames a value to the output’s name', () => {
    const b = createGraphBuilder({ name: 'chain', opset: 21 });
    const x = b.input('x', 'float32', [2]);
    const twice = b.identity(b.identity(x));
    b.output(b.identity(b.neg(twice, { name: 'neg' })), { name: 'y', dtype: 'float32', dims: [2] });
    b.output(twice, { name: 'same', dtype: 'float32', dims: [2] });
    const { nodes } = foldIdentities(b.build().graph);
    expect(nodes.map(({ op, inputs, outputs }) => [op, inputs, outputs])).toEqual([
      ['Neg', ['x'], ['y']],
      ['Identity', ['x'], ['same']],
    ]);
  });
});

import { describe, expect, it } from 'vitest';
import { InputError, UnsupportedError } from '../../../contracts/errors.ts';
import { float, graph as graphOf, int, ints } from '../../../numerics/onnx/attributes.ts';
import { createGraphBuilder } from '../../../numerics/onnx/builder.ts';
import type { Attribute, OnnxModel } from '../../../numerics/onnx/graph.ts';
import { createNode } from '../../../numerics/onnx/node.ts';
import { inferShapes } from '../../../numerics/onnx/shapes.ts';
import { createSession } from '../../../engine/runtime/session.ts';
import { type DType, type NumericDType, packedBytes } from '../../../numerics/tensor/dtype.ts';
import { elementCount, type Tensor, tensorOf } from '../../../numerics/tensor/tensor.ts';

/** Small numbers of any type: shapes do not depend on them, kernels want them finite. */
function filled(dtype: NumericDType, dims: readonly number[], value = 1): Tensor {
  const count = elementCount(dims);
  if (dtype === 'float32') return tensorOf(dtype, dims, new Float32Array(count).fill(value / 8));
  if (dtype === 'int32') return tensorOf(dtype, dims, new Int32Array(count).fill(value));
  if (dtype === 'int64') return tensorOf(dtype, dims, new BigInt64Array(count).fill(BigInt(value)));
  return { dtype, dims, bytes: new Uint8Array(packedBytes(dtype, count)).fill(value) };
}

type Given = readonly [NumericDType, readonly number[], number?] | undefined;

interface FusedCase {
  readonly op: string;
  readonly inputs: readonly Given[];
  readonly attributes?: Readonly<Record<string, Attribute>>;
  /** How many outputs to ask for; -1 stands for one left out. */
  readonly outputs?: readonly (DType | '')[];
}

const f = (...dims: number[]): Given => ['float32', dims];
const [B, S, H, W] = [2, 3, 4, 8]; // batch, sequence, heads, head width
const D = H * W;

/** The operators of com.microsoft that optimizers and quantizers put into transformers. */
const FUSED: readonly FusedCase[] = [
  {
    op: 'MatMulNBits',
    inputs: [f(B, S, 32), ['uint8', [5, 2, 8]], f(5, 2)],
    attributes: { K: int(32), N: int(5), bits: int(4), block_size: int(16) },
  },
  {
    op: 'MatMulNBits',
    inputs: [f(S, 32), ['uint8', [5, 2, 16]], f(5, 2), undefined, undefined, f(5)],
    attributes: { K: int(32), N: int(5), bits: int(8), block_size: int(16) },
  },
  {
    op: 'MatMulBnb4',
    inputs: [f(B, S, 32), ['uint8', [80]], f(10)],
    attributes: { K: int(32), N: int(5), block_size: int(16), quant_type: int(1) },
  },
  {
    op: 'GatherBlockQuantized',
    inputs: [['uint8', [7, 16]], ['int64', [B, S]], f(7, 2)],
    attributes: { bits: int(4), block_size: int(16), gather_axis: int(0), quantize_axis: int(1) },
  },
  {
    op: 'GatherBlockQuantized',
    inputs: [['uint8', [7, 32]], ['int64', [S]], f(7, 2)],
    attributes: { bits: int(8), block_size: int(16), gather_axis: int(0), quantize_axis: int(1) },
  },
  {
    op: 'GatherBlockQuantized',
    inputs: [['int4', [7, 32]], ['int32', [B, S]], f(7, 2)],
    attributes: { block_size: int(16), gather_axis: int(0), quantize_axis: int(1) },
  },
  { op: 'DynamicQuantizeMatMul', inputs: [f(B, S, 6), ['int8', [6, 5]], f(5)] },
  { op: 'MatMulIntegerToFloat', inputs: [['uint8', [B, S, 6]], ['int8', [6, 5]], f(), f(5)] },
  {
    op: 'FusedMatMul',
    inputs: [f(B, 6, S), f(B, 5, 6)],
    attributes: { transA: int(1), transB: int(1), alpha: float(0.5) },
  },
  {
    op: 'SkipLayerNormalization',
    inputs: [f(B, S, D), f(B, S, D), f(D), f(D), f(D)],
    outputs: ['float32', '', '', 'float32'],
  },
  {
    op: 'SkipSimplifiedLayerNormalization',
    inputs: [f(B, S, D), f(B, S, D), f(D)],
    outputs: ['float32', '', '', 'float32'],
  },
  {
    op: 'EmbedLayerNormalization',
    inputs: [['int32', [B, S]], ['int32', [B, S]], f(9, D), f(10, D), f(3, D), f(D), f(D), ['int32', [B, S]]],
    outputs: ['float32', 'int32'],
  },
  { op: 'BiasGelu', inputs: [f(B, S, D), f(D)] },
  { op: 'FastGelu', inputs: [f(B, S, D), f(D)] },
  { op: 'Gelu', inputs: [f(B, S, D)] },
  { op: 'QuickGelu', inputs: [f(B, S, D)] },
  {
    op: 'RotaryEmbedding',
    inputs: [f(B, S, D), ['int64', [B, S]], f(16, W / 2), f(16, W / 2)],
    attributes: { num_heads: int(H) },
  },
  { op: 'MultiHeadAttention', inputs: [f(B, S, D), f(B, 5, D), f(B, 5, D)], attributes: { num_heads: int(H) } },
  { op: 'MultiHeadAttention', inputs: [f(B, S, D), f(B, H, 5, W), f(B, H, 5, W)], attributes: { num_heads: int(H) } },
  {
    op: 'MultiHeadAttention',
    inputs: [f(B, S, D), f(B, S, D), f(B, S, D), undefined, undefined, undefined, f(B, H, 6, W), f(B, H, 6, W)],
    attributes: { num_heads: int(H) },
    outputs: ['float32', 'float32', 'float32'],
  },
  { op: 'Attention', inputs: [f(B, S, 6), f(6, 3 * D), f(3 * D)], attributes: { num_heads: int(H) } },
  {
    op: 'Attention',
    inputs: [f(B, S, 6), f(6, 80), f(80)],
    attributes: { num_heads: int(H), qkv_hidden_sizes: ints([32, 32, 16]) },
  },
  {
    op: 'Attention',
    inputs: [f(B, S, 6), f(6, 3 * D), f(3 * D), undefined, f(2, B, H, 7, W)],
    attributes: { num_heads: int(H) },
    outputs: ['float32', 'float32'],
  },
  {
    op: 'QAttention',
    inputs: [['uint8', [B, S, 6]], ['int8', [6, 3 * D]], f(3 * D), f(), f(), undefined, ['uint8', []], ['int8', []]],
    attributes: { num_heads: int(H) },
  },
  {
    op: 'GroupQueryAttention',
    inputs: [f(B, S, D), f(B, S, D / 2), f(B, S, D / 2), undefined, undefined, ['int32', [B], S - 1], ['int32', [], S]],
    attributes: { num_heads: int(H), kv_num_heads: int(H / 2) },
    outputs: ['float32', 'float32', 'float32'],
  },
  {
    op: 'GroupQueryAttention',
    inputs: [
      f(B, 1, D),
      f(B, 1, D / 2),
      f(B, 1, D / 2),
      f(B, H / 2, 6, W),
      f(B, H / 2, 6, W),
      ['int32', [B], 6],
      ['int32', [], 7],
    ],
    attributes: { num_heads: int(H), kv_num_heads: int(H / 2) },
    outputs: ['float32', 'float32', 'float32'],
  },
  {
    op: 'GroupQueryAttention',
    inputs: [f(B, S, 2 * D), undefined, undefined, undefined, undefined, ['int32', [B], S - 1], ['int32', [], S]],
    attributes: { num_heads: int(H), kv_num_heads: int(H / 2) },
    outputs: ['float32', 'float32', 'float32'],
  },
];

function fusedModel({ op, inputs, attributes, outputs = ['float32'] }: FusedCase): {
  model: OnnxModel;
  feeds: Record<string, Tensor>;
} {
  const b = createGraphBuilder({ name: op });
  const feeds: Record<string, Tensor> = {};
  const names = inputs.map((given, index) => {
    if (given === undefined) return '';
    const [dtype, dims, value] = given;
    const name = `x${index}`;
    // Weights and lengths, which the kernels want known; activations (float) come as inputs.
    if (dtype !== 'float32' || index > 1) return b.initializer(name, filled(dtype, dims, value));
    feeds[name] = filled(dtype, dims, value);
    return b.input(
      name,
      dtype,
      dims.map((_, axis) => `${name}.${axis}`),
    );
  });
  const made = b.node(op, names, {
    domain: 'com.microsoft',
    outputs: outputs.map((dtype, index) => (dtype === '' ? '' : `y${index}`)),
    ...(attributes && { attributes }),
  });
  for (const [index, name] of made.entries()) {
    // Unknown dimensions: the runtime tells what it makes.
    const dtype = outputs[index];
    if (dtype) b.output(name, { dtype, dims: [] });
  }
  const model = b.build();
  const free = model.graph.outputs.map((output) => ({
    ...output,
    type: {
      kind: 'tensor',
      dtype: output.type?.kind === 'tensor' ? output.type.dtype : undefined,
      dims: undefined,
    } as const,
  }));
  return { model: { ...model, graph: { ...model.graph, outputs: free } }, feeds };
}

describe('inferShapes on fused operators', () => {
  it.each(FUSED.map((item, index) => [`${item.op} (${index})`, item] as const))(
    '%s has the shapes onnxruntime computes',
    async (_, item) => {
      const { model, feeds } = fusedModel(item);
      const dims = Object.fromEntries(Object.entries(feeds).map(([name, tensor]) => [name, tensor.dims]));
      const shapes = inferShapes(model, { inputs: dims });
      const session = await createSession(model, { threads: 1 });
      const outputs = await session.run(feeds);
      await session.release();
      const describe = (name: string, value: { dtype: DType; dims: readonly number[] } | undefined): string =>
        `${name} ${value?.dtype}[${value?.dims}]`;
      expect(Object.keys(outputs).map((name) => describe(name, shapes.get(name)))).toEqual(
        Object.entries(outputs).map(([name, tensor]) => describe(name, tensor)),
      );
    },
  );
});

describe('inferShapes', () => {
  /** Shape arithmetic as exporters write it: the last axis of x split into heads, positions counted, a mask expanded. */
  function exported(): OnnxModel {
    const b = createGraphBuilder({ name: 'exported' });
    const x = b.input('x', 'float32', ['batch', 'sequence', D]);
    const shape = b.shape(x, { output: 'shape' });
    const pick = (index: number): string => b.unsqueeze(b.gather(shape, b.scalar(index, 'int64')), [0]);
    const heads = b.concat([pick(0), pick(1), b.integers([H]), b.div(pick(2), b.integers([H]))], {
      axis: 0,
      output: 'head.shape',
    });
    b.transpose(b.reshape(x, heads), [0, 2, 1, 3], { output: 'heads' });
    const length = b.squeeze(b.slice(shape, { starts: [1], ends: [2], axes: [0] }), [0]);
    const positions = b.range(b.scalar(0, 'int64'), length, b.scalar(1, 'int64'), { output: 'positions' });
    const square = b.concat([pick(1), pick(1)], { axis: 0 });
    const mask = b.node('ConstantOfShape', [square], { outputs: ['ones'], attributes: {} })[0] as string;
    b.expand(mask, b.concat([pick(0), b.integers([1]), square], { axis: 0 }), { output: 'mask' });
    b.output(positions, { dtype: 'int64', dims: ['sequence'] });
    return b.build();
  }

  it('follows shape arithmetic and folds it', () => {
    const shapes = inferShapes(exported(), { inputs: { x: [B, 5, D] } });
    expect(shapes.get('head.shape')).toEqual({ dtype: 'int64', dims: [4], values: [B, 5, H, W] });
    expect(shapes.get('heads')).toEqual({ dtype: 'float32', dims: [B, H, 5, W] });
    expect(shapes.get('positions')).toEqual({ dtype: 'int64', dims: [5], values: [0, 1, 2, 3, 4] });
    expect(shapes.get('mask')?.dims).toEqual([B, 1, 5, 5]);
  });

  it('calls functions, with the caller’s attributes and inputs', () => {
    const b = createGraphBuilder({
      name: 'calling',
      functions: [
        {
          domain: 'local',
          name: 'Sum',
          inputs: ['a', 'bias'],
          outputs: ['r'],
          attributeNames: ['keep'],
          attributeDefaults: new Map(),
          nodes: [
            createNode({ op: 'Clip', name: 'c', inputs: ['a', 'bias'], outputs: ['m'] }),
            createNode({
              op: 'ReduceSum',
              name: 's',
              inputs: ['m'],
              outputs: ['r'],
              attributes: { keepdims: { type: 'reference', value: 'keep', of: 'int' } },
            }),
          ],
          opsets: new Map([['', 21]]),
          valueInfo: [],
        },
      ],
    });
    const x = b.input('x', 'float32', ['n', 'm']);
    b.node('Sum', [x], { domain: 'local', outputs: ['kept'], attributes: { keep: int(1) } });
    b.node('Sum', [x], { domain: 'local', outputs: ['flat'], attributes: { keep: int(0) } });
    b.output('flat', { dtype: 'float32', dims: [] });
    const shapes = inferShapes(b.build(), { inputs: { x: [2, 3] } });
    expect([shapes.get('kept')?.dims, shapes.get('flat')?.dims]).toEqual([[1, 1], []]);
  });

  function choosing(condition: (b: ReturnType<typeof createGraphBuilder>) => string): OnnxModel {
    const b = createGraphBuilder({ name: 'choosing' });
    b.input('x', 'float32', ['n']);
    const branch = (name: string, op: string) => {
      const inner = createGraphBuilder({ name });
      inner.input('x', 'float32', ['n']);
      const value =
        op === 'Unsqueeze' ? inner.unsqueeze('x', [0], { name: `${name}.y` }) : inner.neg('x', { name: `${name}.y` });
      inner.output(value, { dtype: 'float32', dims: [] });
      return graphOf({ ...inner.build().graph, inputs: [] });
    };
    b.node('If', [condition(b)], {
      outputs: ['y'],
      attributes: { then_branch: branch('then', 'Unsqueeze'), else_branch: branch('else', 'Neg') },
    });
    b.output('y', { dtype: 'float32', dims: [] });
    return b.build();
  }

  it('follows the branch of a known condition, and otherwise requires both to agree', () => {
    const known = (limit: number) => choosing((b) => b.greater(b.squeeze(b.shape('x'), [0]), b.scalar(limit, 'int64')));
    expect(inferShapes(known(3), { inputs: { x: [4] } }).get('y')?.dims).toEqual([1, 4]);
    expect(inferShapes(known(4), { inputs: { x: [4] } }).get('y')?.dims).toEqual([4]);
    const unknown = choosing((b) => b.input('condition', 'bool', []));
    expect(() => inferShapes(unknown, { inputs: { x: [4] } })).toThrow(UnsupportedError);
    expect(() => inferShapes(unknown, { inputs: { x: [4] } })).toThrow(/\[1, 4\] in one branch, \[4\] in the other/);
  });

  it('names operator, node and opset when there is no rule', () => {
    const b = createGraphBuilder({ name: 'odd', opsets: { 'org.test': 3 } });
    b.node('Odd', [b.input('x', 'float32', [2])], { domain: 'org.test', name: 'the node', outputs: ['y'] });
    b.output('y', { dtype: 'float32', dims: [] });
    expect(() => inferShapes(b.build(), { inputs: {} })).toThrow(UnsupportedError);
    expect(() => inferShapes(b.build(), { inputs: {} })).toThrow(
      /node "the node" \(org\.test\.Odd, opset 3\) has no shape rule/,
    );
  });

  it('names the data that a shape depends on', () => {
    const b = createGraphBuilder({ name: 'data' });
    b.reshape(b.input('x', 'float32', [6]), b.input('shape', 'int64', [2]), { output: 'y' });
    b.output('y', { dtype: 'float32', dims: [] });
    expect(() => inferShapes(b.build(), { inputs: {} })).toThrow(UnsupportedError);
    expect(() => inferShapes(b.build(), { inputs: {} })).toThrow(/depends on the elements of "shape"/);
  });

  it.each<[string, Record<string, readonly number[]>, RegExp]>([
    ['an input of another name', { z: [1] }, /no input "z"; inputs: x, w/],
    ['a dimension the file fixes', { x: [2, 5], w: [5, 3] }, /"x": expected \[n = 2, 4\], got \[2, 5\]/],
    ['a symbol of two lengths', { x: [2, 4], w: [4, 3] }, /"w": expected \[4, n = 2\], got \[4, 3\]/],
    ['a missing dimension', { x: [2, 4] }, /"w" has shape \[4, n\]; give its dimensions/],
    ['a rank', { x: [4], w: [4, 3] }, /"x": expected \[n, 4\], got \[4\]/],
    ['a negative dimension', { x: [-1, 4], w: [4, 3] }, /-1 is not a valid dimension/],
  ])('refuses %s', (_, inputs, message) => {
    const b = createGraphBuilder({ name: 'product' });
    b.output(b.matmul(b.input('x', 'float32', ['n', 4]), b.input('w', 'float32', [4, 'n'])), {
      dtype: 'float32',
      dims: [],
    });
    expect(() => inferShapes(b.build(), { inputs })).toThrow(InputError);
    expect(() => inferShapes(b.build(), { inputs })).toThrow(message);
  });

  it('reports contradicting shapes', () => {
    const b = createGraphBuilder({ name: 'product' });
    b.output(b.matmul(b.input('x', 'float32', ['n', 'k']), b.input('w', 'float32', [4, 3]), { name: 'mm' }), {
      dtype: 'float32',
      dims: [],
    });
    expect(() => inferShapes(b.build(), { inputs: { x: [2, 5] } })).toThrow(
      /node "mm" \(MatMul, opset 21\): inner dimensions 5 and 4 differ; inputs float32\[2, 5\], float32\[4, 3\]/,
    );
  });
});

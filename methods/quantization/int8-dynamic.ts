/**
 * Eight-bit integer arithmetic with activation ranges computed at run time: standard ONNX nodes DynamicQuantizeLinear
 * and MatMulInteger, weights symmetric on [-127, 127]. Scheme of Jacob et al. 2018, https://arxiv.org/abs/1712.05877,
 * and Zafrir et al. 2019 (Q8BERT), https://arxiv.org/abs/1910.06188, without their training.
 * Codes and scales are those of onnxruntime.quantization.quantize_dynamic(weight_type=QInt8).
 */
import * as v from 'valibot';
import { InputError } from '../../contracts/errors.ts';
import { defineMethod } from '../../engine/definitions/method.ts';
import type { LinearRole, Model } from '../../engine/definitions/model.ts';
import { int, ints } from '../../numerics/onnx/attributes.ts';
import { addInitializers, removeDeadCode, replaceNode, withGraph } from '../../numerics/onnx/edit.ts';
import type { Node } from '../../numerics/onnx/graph.ts';
import { createNode } from '../../numerics/onnx/node.ts';
import { DTYPES } from '../../numerics/tensor/dtype.ts';
import { elements, tensorOf } from '../../numerics/tensor/tensor.ts';
import { integerMatMul, quantizeInput, withIntegerMatMuls } from '../shared/formats/dynamic-int8.ts';
import { quantizeInt8 } from '../shared/formats/int8-weight.ts';
import { tiedLogits } from '../shared/formats/tied-logits.ts';

export default defineMethod({
  id: 'int8-dynamic',
  family: 'quantization',
  access: 'data-free',
  revision: 2,
  description:
    'Multiplies 8-bit integers: weights are rounded once, and activations at run time over the range of each call. ' +
    'It needs no data and gains most on long inputs, where matrix multiplication dominates the time. ' +
    'Norms stay in floating point, token embedding and output layer too unless a variant says otherwise (e8); 7-bit variants avoid overflow on processors without VNNI.',
  paper: {
    title: 'Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference',
    authors:
      'Benoit Jacob, Skirmantas Kligys, Bo Chen, Menglong Zhu, Matthew Tang, Andrew Howard, Hartwig Adam, Dmitry Kalenichenko',
    year: 2018,
    url: 'https://arxiv.org/abs/1712.05877',
  },
  licence: 'Apache-2.0',
  params: v.strictObject({
    granularity: v.pipe(
      v.picklist(['tensor', 'channel']),
      v.description('One scale for a whole weight matrix, or one for each output feature.'),
    ),
    reducedRange: v.optional(
      v.pipe(
        v.boolean(),
        v.description('Weights take 7 bits, [-64, 64], so that 16-bit sums of products cannot overflow.'),
      ),
      false,
    ),
    layers: v.optional(
      v.pipe(
        v.picklist(['all', 'attention', 'feed-forward']),
        v.description('Which linear layers use integer arithmetic; the others stay in float32.'),
      ),
      'all',
    ),
    embedding: v.optional(
      v.pipe(
        v.picklist(['float', 'int8']),
        v.description(
          'Token embedding and output layer: in floating point, or 8-bit integers too, one scale per token.',
        ),
      ),
      'float',
    ),
  }),
  variants: {
    channel: { granularity: 'channel' },
    'channel-e8': { granularity: 'channel', embedding: 'int8' },
    'channel-7bit': { granularity: 'channel', reducedRange: true },
    'channel-attention': { granularity: 'channel', layers: 'attention' },
    'channel-feed-forward': { granularity: 'channel', layers: 'feed-forward' },
    tensor: { granularity: 'tensor' },
    'tensor-7bit': { granularity: 'tensor', reducedRange: true },
  },

  compress(model, { params, signal, progress }) {
    const { head } = model.roles;
    const embedding = params.embedding === 'int8';
    const chosen = [...linearsOf(model, params.layers), ...(embedding && head ? [head] : [])];
    const quantized = chosen.map((linear, index) => {
      signal.throwIfAborted();
      progress((index + 1) / chosen.length);
      return { linear, weight: quantizeInt8(model.weight(linear), { ...linear, ...params }) };
    });
    const smaller = model.withOnnx(withGraph(model.onnx, withIntegerMatMuls(model.onnx.graph, quantized)));
    return embedding ? withInt8Embedding(smaller, params.reducedRange) : smaller;
  },
});

function linearsOf(model: Model, layers: 'all' | 'attention' | 'feed-forward'): readonly LinearRole[] {
  if (layers === 'all') return model.linears;
  const attention = new Set(
    model.roles.layers.flatMap(({ q, k, v: value, o }) => [q.node, k.node, value.node, o.node]),
  );
  return model.linears.filter((linear) => attention.has(linear.node) === (layers === 'attention'));
}

/**
 * The model with its token embedding as int8 rows with one scale each. Where the output layer is the transposed
 * embedding, it multiplies the same integers, so that the file holds the table once.
 */
export function withInt8Embedding(model: Model, reducedRange: boolean): Model {
  const { weight: table, node: lookup } = model.roles.embedding;
  const { graph } = model.onnx;
  const tensor = graph.initializers.get(table);
  if (tensor === undefined) throw new InputError(`${model.id}: no initializer ${table} for the token embedding`);
  const [vocabulary = 0, width = 0] = tensor.dims;
  const weight = transpose(elements(tensor, 'float32'), vocabulary, width);
  const shape = { inFeatures: width, outFeatures: vocabulary };
  const { codes, scales } = quantizeInt8(weight, { ...shape, granularity: 'channel', reducedRange });
  let edited = addInitializers(graph, {
    [`${table}.codes`]: tensorOf('int8', [vocabulary, width], transpose(codes, width, vocabulary)),
    [`${table}.scale`]: tensorOf('float32', [vocabulary], scales),
    [`${table}.last_axis`]: tensorOf('int64', [1], BigInt64Array.of(-1n)),
  });
  for (const node of graph.nodes) {
    if (!node.inputs.includes(table)) continue;
    if (node.name === lookup) {
      edited = replaceNode(edited, node.name, int8Lookup(node, table));
      continue;
    }
    const transposed = createNode({
      op: 'Transpose',
      name: node.name,
      inputs: [`${table}.codes`],
      outputs: [`${table}.transposed_codes`],
      attributes: { perm: ints([1, 0]) },
    });
    for (const logits of tiedLogits(model, node)) {
      const [input, output] = [logits.inputs[0]!, logits.outputs[0]!];
      const names = { node: logits.name, input, output, codes: `${table}.transposed_codes`, scale: `${table}.scale` };
      edited = replaceNode(edited, logits.name, [quantizeInput(input), ...integerMatMul(names)]);
    }
    edited = replaceNode(edited, node.name, [transposed]);
  }
  return model.withOnnx(withGraph(model.onnx, removeDeadCode(edited)));
}

/** Rows of codes times their scales: [batch, sequence, width] · [batch, sequence, 1]. */
function int8Lookup(gather: Node, table: string): Node[] {
  const [indices, output] = [gather.inputs[1]!, gather.outputs[0]!];
  const step = (op: string, inputs: readonly string[], to: string, attributes = {}) =>
    createNode({ op, name: `${gather.name}.${to}`, inputs, outputs: [`${output}.${to}`], attributes });
  const scale = createNode({
    op: 'Mul',
    name: gather.name,
    inputs: [`${output}.float_codes`, `${output}.scale_column`],
    outputs: [output],
  });
  return [
    step('Gather', [`${table}.codes`, indices], 'codes', { axis: int(0) }),
    step('Cast', [`${output}.codes`], 'float_codes', { to: int(DTYPES.float32.code) }),
    step('Gather', [`${table}.scale`, indices], 'scale', { axis: int(0) }),
    step('Unsqueeze', [`${output}.scale`, `${table}.last_axis`], 'scale_column'),
    scale,
  ];
}

function transpose<T extends Float32Array | Int8Array>(matrix: T, rows: number, columns: number): T {
  const transposed = matrix.slice() as T;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      transposed[column * rows + row] = matrix[row * columns + column]!;
    }
  }
  return transposed;
}

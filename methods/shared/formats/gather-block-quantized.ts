/**
 * A quantized token embedding: com.microsoft GatherBlockQuantized reads rows of the packed table. Where the output
 * layer is the transposed embedding, a MatMulNBits reads the same initializer, so the file holds the table once.
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.GatherBlockQuantized
 */
import { InputError, UnsupportedError } from '../../../contracts/errors.ts';
import type { Model } from '../../../engine/definitions/model.ts';
import { int } from '../../../numerics/onnx/attributes.ts';
import { addInitializers, removeDeadCode, replaceNode, withGraph } from '../../../numerics/onnx/edit.ts';
import type { Node } from '../../../numerics/onnx/graph.ts';
import { createNode } from '../../../numerics/onnx/node.ts';
import { elements, tensorOf } from '../../../numerics/tensor/tensor.ts';
import {
  type Activations,
  type GroupSize,
  matMulNBitsNode,
  packWeight,
  quantizeWeight,
  withQuantizedLinears,
} from './matmul-nbits.ts';
import { tiedLogits } from './tied-logits.ts';

export interface EmbeddingFormat {
  readonly bits: 2 | 4 | 8;
  /** Features of a token that share a scale. */
  readonly groupSize: number;
  /** Accuracy level of the output layer's MatMulNBits. */
  readonly activations: Activations;
}

/**
 * The model with its token embedding and its output layer quantized on a symmetric grid.
 * Throws UnsupportedError when the table has other uses than look-up and logits.
 */
export function withQuantizedEmbedding(model: Model, { bits, groupSize, activations }: EmbeddingFormat): Model {
  const { weight: table, node: lookupName } = model.roles.embedding;
  const { graph } = model.onnx;
  const tensor = graph.initializers.get(table);
  if (tensor === undefined) throw new InputError(`${model.id}: no initializer ${table} for the token embedding`);
  const [vocabulary = 0, width = 0] = tensor.dims;
  const blockSize = divisorBlock(model, width, groupSize);

  // A table [vocabulary, width] is the weight of a linear layer from width to vocabulary, stored [out, in].
  const quantized = quantizeWeight(transpose(elements(tensor, 'float32'), { rows: vocabulary, columns: width }), {
    inFeatures: width,
    outFeatures: vocabulary,
    bits,
    symmetric: true,
    groupSize: blockSize,
  });
  const packed = packWeight(quantized, blockSize);
  const names = {
    weight: `${table}.codes`,
    scales: `${table}.scales`,
    lookupScales: `${table}.lookup_scales_shape`,
    shape: `${table}.lookup_shape`,
  };
  let edited = addInitializers(graph, {
    [names.weight]: packed.weight,
    [names.scales]: packed.scales,
    [names.lookupScales]: tensorOf('int64', [3], BigInt64Array.from([BigInt(vocabulary), -1n, 1n])),
    [names.shape]: tensorOf('int64', [3], BigInt64Array.from([0n, 0n, BigInt(width)])),
  });

  for (const node of graph.nodes) {
    if (!node.inputs.includes(table)) continue;
    if (node.name === lookupName) {
      edited = replaceNode(edited, node.name, lookup(node, { names, bits, blockSize }));
      continue;
    }
    for (const logits of tiedLogits(model, node)) {
      edited = replaceNode(edited, logits.name, [
        matMulNBitsNode({
          name: logits.name,
          input: logits.inputs[0]!,
          output: logits.outputs[0]!,
          initializers: names,
          quantized,
          blockSize,
          activations,
        }),
      ]);
    }
  }
  const smaller = model.withOnnx(withGraph(model.onnx, removeDeadCode(edited), { opsets: { 'com.microsoft': 1 } }));
  const { head } = model.roles;
  if (head === undefined) return smaller;
  const { inFeatures, outFeatures } = head;
  const ownHead = quantizeWeight(model.weight(head), { inFeatures, outFeatures, bits, symmetric: true, groupSize });
  return withQuantizedLinears(smaller, [{ linear: head, quantized: ownHead }], { activations });
}

/**
 * Look-up in a table packed for MatMulNBits, [vocabulary, blocks, bytes]: the scales get a last axis of length 1, and
 * the blocks of a row are concatenated after the look-up.
 */
function lookup(
  gather: Node,
  options: {
    readonly names: {
      readonly weight: string;
      readonly scales: string;
      readonly lookupScales: string;
      readonly shape: string;
    };
    readonly bits: number;
    readonly blockSize: number;
  },
): Node[] {
  const { names, bits, blockSize } = options;
  const indices = gather.inputs[1]!;
  const output = gather.outputs[0]!;
  return [
    createNode({
      op: 'Reshape',
      name: `${gather.name}.scales`,
      inputs: [names.scales, names.lookupScales],
      outputs: [`${output}.scales`],
    }),
    createNode({
      op: 'GatherBlockQuantized',
      domain: 'com.microsoft',
      name: gather.name,
      inputs: [names.weight, indices, `${output}.scales`],
      outputs: [`${output}.blocks`],
      attributes: { bits: int(bits), block_size: int(blockSize), gather_axis: int(0), quantize_axis: int(2) },
    }),
    createNode({
      op: 'Reshape',
      name: `${gather.name}.join`,
      inputs: [`${output}.blocks`, names.shape],
      outputs: [output],
    }),
  ];
}

/** The group size, halved until it divides the width, since a row is a whole number of blocks. */
function divisorBlock(model: Model, width: number, groupSize: GroupSize): number {
  for (let block = groupSize === 'channel' ? width : groupSize; block >= 16; block /= 2) {
    if (width % block === 0) return block;
  }
  throw new UnsupportedError(
    `${model.id}: token embedding of width ${width} cannot be cut into blocks of 16 or more; use embedding: 'float'`,
  );
}

function transpose(values: Float32Array, { rows, columns }: { rows: number; columns: number }): Float32Array {
  const transposed = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) transposed[column * rows + row] = values[row * columns + column]!;
  }
  return transposed;
}

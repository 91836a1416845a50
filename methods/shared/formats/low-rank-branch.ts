/**
 * A low-rank path beside a linear layer: the output is y + (x A) B, A [in, rank] and B [rank, out] stored in float16. y
 * may be computed by any operator.
 */
import type { LinearRole, Model } from '../../../engine/definitions/model.ts';
import { int } from '../../../numerics/onnx/attributes.ts';
import { addInitializers, findNode, replaceNode } from '../../../numerics/onnx/edit.ts';
import { createNode } from '../../../numerics/onnx/node.ts';
import { DTYPES } from '../../../numerics/tensor/dtype.ts';
import { toFloat16Bits } from '../../../numerics/tensor/float16.ts';
import { type NumericTensor, rawTensor } from '../../../numerics/tensor/tensor.ts';
import { type Factors, factorNames } from '../solvers/low-rank.ts';
import { bodyNode, FUNCTION_DOMAIN, withFunction } from './model-function.ts';

const FUNCTION = 'AddLowRank';

/** The model with a low-rank path beside each of these layers, whose nodes may be of any operator. */
export function withLowRankBranches(
  model: Model,
  layers: Iterable<{ readonly linear: LinearRole; readonly factors: Factors }>,
): Model {
  let { onnx } = model;
  for (const { linear, factors } of layers) {
    const { node: name, input, output, inFeatures, outFeatures } = linear;
    const [down, up] = factorNames(linear);
    const graph = addInitializers(onnx.graph, {
      [down]: float16Tensor([inFeatures, factors.rank], factors.down),
      [up]: float16Tensor([factors.rank, outFeatures], factors.up),
    });
    const main = findNode(graph, name);
    const alone = `${output}.alone`;
    const sum = createNode({
      op: FUNCTION,
      domain: FUNCTION_DOMAIN,
      name: `${name}.branch`,
      inputs: [alone, input, down, up],
      outputs: [output],
    });
    const moved = { ...main, outputs: main.outputs.map((value) => (value === output ? alone : value)) };
    onnx = withFunction(onnx, replaceNode(graph, name, [moved, sum]), {
      name: FUNCTION,
      inputs: ['y', 'x', 'down', 'up'],
      outputs: ['sum'],
      nodes: [
        bodyNode('Cast', ['down'], 'wide_down', { to: int(DTYPES.float32.code) }),
        bodyNode('Cast', ['up'], 'wide_up', { to: int(DTYPES.float32.code) }),
        bodyNode('MatMul', ['x', 'wide_down'], 'low'),
        bodyNode('MatMul', ['low', 'wide_up'], 'update'),
        bodyNode('Add', ['y', 'update'], 'sum'),
      ],
    });
  }
  return model.withOnnx(onnx);
}

function float16Tensor(dims: readonly number[], values: Float32Array): NumericTensor {
  return rawTensor('float16', dims, new Uint8Array(Uint16Array.from(values, toFloat16Bits).buffer));
}

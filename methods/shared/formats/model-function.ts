/**
 * Functions of a model: a few standard operators under one name, so that the file holds them once for all layers.
 * onnxruntime inlines them when it loads the file, and folds what depends on no input into constants.
 * https://onnx.ai/onnx/repo-docs/IR.html#model-local-functions
 */
import { tensor } from '../../../numerics/onnx/attributes.ts';
import { withGraph } from '../../../numerics/onnx/edit.ts';
import type { Attribute, Graph, Node, OnnxFunction, OnnxModel } from '../../../numerics/onnx/graph.ts';
import { createNode } from '../../../numerics/onnx/node.ts';
import type { NumericTensor } from '../../../numerics/tensor/tensor.ts';

/** Domain of all functions written by methods. */
export const FUNCTION_DOMAIN = 'shrinkrank';

export type FunctionBody = Pick<OnnxFunction, 'name' | 'inputs' | 'outputs' | 'nodes'>;

/**
 * The model with this graph, whose nodes may call the function; the function is added once, however often this is
 * called.
 */
export function withFunction(model: OnnxModel, graph: Graph, body: FunctionBody): OnnxModel {
  const known = model.functions.some(({ domain, name }) => domain === FUNCTION_DOMAIN && name === body.name);
  const written: OnnxFunction = {
    ...body,
    domain: FUNCTION_DOMAIN,
    attributeNames: [],
    attributeDefaults: new Map(),
    opsets: new Map([['', model.opsets.get('') as number]]),
    valueInfo: [],
  };
  const functions = known ? model.functions : [...model.functions, written];
  return withGraph(model, graph, { opsets: { [FUNCTION_DOMAIN]: 1 }, functions });
}

/** A call of such a function, named after its output. */
export function callNode(name: string, inputs: readonly string[], output: string): Node {
  return createNode({ op: name, domain: FUNCTION_DOMAIN, name: output, inputs, outputs: [output] });
}

/** A node of a function's body, named after its output. */
export function bodyNode(
  op: string,
  inputs: readonly string[],
  output: string,
  attributes: Readonly<Record<string, Attribute>> = {},
): Node {
  return createNode({ op, name: output, inputs, outputs: [output], attributes });
}

export function constantNode(output: string, value: NumericTensor): Node {
  return bodyNode('Constant', [], output, { value: tensor(value) });
}

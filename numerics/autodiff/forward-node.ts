/** A node of the forward graph, as gradient rules see it. */
import { InputError, UnsupportedError } from '../../contracts/errors.ts';
import { floatAttribute, intAttribute, intsAttribute, stringAttribute } from '../onnx/attributes.ts';
import type { Node } from '../onnx/graph.ts';
import { type ConcreteShape, inferNodeOutputs } from '../onnx/shapes.ts';
import type { ForwardNode } from './rule.ts';

export interface ForwardState {
  readonly shapes: Map<string, ConcreteShape>;
  readonly opsets: ReadonlyMap<string, number>;
  /** Values that depend on a target. */
  readonly active: ReadonlySet<string>;
  /** Nodes to which outputs were added, by the original node. */
  readonly widened: Map<Node, Node>;
}

export function describeNode(node: Node, opset: number): string {
  const op = node.domain === '' ? node.op : `${node.domain}.${node.op}`;
  return `node "${node.name || node.outputs[0]}" (${op}, opset ${opset})`;
}

export function opsetOf(opsets: ReadonlyMap<string, number>, domain: string): number {
  return opsets.get(domain) ?? (domain === '' ? (opsets.get('ai.onnx') ?? 1) : 1);
}

export function createForwardNode(node: Node, state: ForwardState): ForwardNode {
  const opset = opsetOf(state.opsets, node.domain);
  const where = describeNode(node, opset);
  function optional(index: number): string | undefined {
    const name = node.inputs[index];
    return name === undefined || name === '' ? undefined : name;
  }
  function input(index: number): string {
    const name = optional(index);
    if (name === undefined) throw new InputError(`gradient: ${where}: input ${index} is missing`);
    return name;
  }
  function shapeOf(name: string): ConcreteShape {
    const shape = state.shapes.get(name);
    if (shape === undefined) throw new Error(`gradient: ${where}: value "${name}" has no shape`);
    return shape;
  }
  const unsupported = (problem: string): never => {
    throw new UnsupportedError(`gradient: ${where}: ${problem}`);
  };
  function output(index: number): string {
    const current = state.widened.get(node) ?? node;
    const known = current.outputs[index];
    if (known !== undefined && known !== '') return known;
    const outputs = [...current.outputs];
    while (outputs.length <= index) outputs.push('');
    let name = `${node.outputs[0]}.output_${index}`;
    while (state.shapes.has(name)) name += '_';
    outputs[index] = name;
    const wider = { ...current, outputs };
    const shape = inferNodeOutputs(wider, { values: state.shapes, opsets: state.opsets })[index];
    if (shape === undefined) throw new Error(`gradient: ${where} has no output ${index}`);
    state.shapes.set(name, shape);
    state.widened.set(node, wider);
    return name;
  }
  return {
    node,
    opset,
    inputCount: node.inputs.length,
    input,
    optional,
    output,
    dims: (index) => shapeOf(input(index)).dims,
    outputDims: (index = 0) => shapeOf(output(index)).dims,
    dtype: (index) => shapeOf(input(index)).dtype,
    wants: (index) => state.active.has(node.inputs[index] ?? ''),
    values: (index) =>
      shapeOf(input(index)).values ??
      unsupported(`the elements of "${input(index)}" must be known before the model runs`),
    int: (name, fallback) => intAttribute(node, name, fallback),
    ints: (name, fallback) => intsAttribute(node, name, fallback),
    float: (name, fallback) => floatAttribute(node, name, fallback),
    text: (name, fallback) => stringAttribute(node, name, fallback),
    has: (name) => node.attributes.has(name),
    unsupported,
  };
}

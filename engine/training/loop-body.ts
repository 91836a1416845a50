/** A graph as the body of a Loop: https://onnx.ai/onnx/operators/onnx__Loop.html */
import { removeDeadCode } from '../../numerics/onnx/edit.ts';
import type { Graph, OnnxModel, ValueInfo } from '../../numerics/onnx/graph.ts';
import { createNode } from '../../numerics/onnx/node.ts';
import type { DType } from '../../numerics/tensor/dtype.ts';
import { sortNodes } from './graph-writer.ts';
import type { Feed } from './loss-graph.ts';
import { foldIdentities } from './prepare-graph.ts';

export function tensorInfo(name: string, dtype: DType, dims: readonly (number | string)[]): ValueInfo {
  return { name, type: { kind: 'tensor', dtype, dims } };
}

export interface LoopBodyRequest {
  /**
   * Slices inputs of the graph from stacks `prefix/<name>` outside; all other inputs remain values of the outer graph.
   */
  readonly feeds: readonly Feed[];
  readonly carried: readonly { readonly from: string; readonly to: string; readonly dims: readonly number[] }[];
  readonly outputs: readonly string[];
  readonly prefix: string;
}

/** One iteration: slices its inputs from the stacks and passes on the carried values. */
export function loopBody(model: OnnxModel, { feeds, carried, outputs, prefix }: LoopBodyRequest): Graph {
  const turn = `${prefix}/turn`;
  const go = `${prefix}/go`;
  const cuts = feeds.map(({ name }) =>
    createNode({ op: 'Gather', name: `${prefix}/cut/${name}`, inputs: [`${prefix}/${name}`, turn], outputs: [name] }),
  );
  const on = createNode({ op: 'Identity', name: `${go}/on`, inputs: [go], outputs: [`${go}/next`] });
  const body = removeDeadCode({
    ...model.graph,
    name: `${prefix}-body`,
    nodes: [...cuts, on, ...model.graph.nodes],
    inputs: [
      tensorInfo(turn, 'int64', []),
      tensorInfo(go, 'bool', []),
      ...carried.map(({ from, dims }) => tensorInfo(from, 'float32', dims)),
    ],
    outputs: [
      tensorInfo(`${go}/next`, 'bool', []),
      ...carried.map(({ to, dims }) => tensorInfo(to, 'float32', dims)),
      ...outputs.map((name) => tensorInfo(name, 'float32', [])),
    ],
  });
  return foldIdentities({ ...body, nodes: sortNodes(body.nodes) });
}

/**
 * The interface of gradient rules. A rule turns the gradient of a node's output into those of its inputs by emitting
 * nodes.
 * The engine (gradient.ts) sums gradients at fan-out, reverses broadcasting and checks results, so rules need not.
 */
import type { DType } from '../tensor/dtype.ts';
import type { Node } from '../onnx/graph.ts';
import type { GradientBuilder } from './gradient-builder.ts';

interface Operator {
  readonly op: string;
  /** Default: the standard domain. */
  readonly domain?: string;
  /** First version of the domain's operator set for which the rule is valid. */
  readonly since: number;
}

export interface BackwardRule extends Operator {
  /**
   * The operator works element by element. A gradient that only broadcasts to the output (such as that of a mean) is
   * then passed to the rule without expansion, and the rule's result has the output's shape or broadcasts to it.
   */
  readonly elementwise?: boolean;
  /** Gradients may arrive at every output, not only the first; missing ones are zeros. */
  readonly severalOutputs?: boolean;
  /**
   * Returns one entry per input, null where there is no gradient. `dy` is the gradient of output 0, `dys` are those of
   * all outputs.
   * A gradient may have more elements than its input where the node broadcast it, or fewer where it broadcasts to it.
   */
  backward(
    b: GradientBuilder,
    node: ForwardNode,
    dy: string,
    dys: readonly string[],
  ): readonly (string | null | undefined)[];
}

/**
 * For fused operators: the same computation in operators that have rules. Returns one value per output, '' for an
 * omitted one.
 */
export interface ExpandRule extends Operator {
  expand(b: GradientBuilder, node: ForwardNode): readonly string[];
}

export type GradientRule = BackwardRule | ExpandRule;

/** A node of the forward graph, as gradient rules see it. */
export interface ForwardNode {
  readonly node: Node;
  /** Version of the operator set of the node's domain. */
  readonly opset: number;
  readonly inputCount: number;
  /** A required input. */
  input(index: number): string;
  /** An optional input. */
  optional(index: number): string | undefined;
  /** An output; if the forward graph omits it, it is added. */
  output(index: number): string;
  /** Shape of an input. */
  dims(index: number): readonly number[];
  outputDims(index?: number): readonly number[];
  dtype(index: number): DType;
  /** Whether this input needs a gradient; rules may skip the others. */
  wants(index: number): boolean;
  /** The elements of an input. Throws UnsupportedError when they are known only at run time. */
  values(index: number): readonly number[];
  int(name: string, fallback?: number): number;
  ints(name: string, fallback?: readonly number[]): readonly number[];
  float(name: string, fallback?: number): number;
  text(name: string, fallback?: string): string;
  has(name: string): boolean;
  /** UnsupportedError that names the node. */
  unsupported(problem: string): never;
}

/** Identity function that checks the type of a list of rules. */
export function defineRule<R extends GradientRule>(rule: R): R {
  return rule;
}

/** An axis counted from the start. */
export function fromStart(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}

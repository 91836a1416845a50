/**
 * What a gradient rule is. A rule turns the gradient of a node's output into those of its inputs by emitting nodes; the
 * engine (gradient.ts) sums at fan-out, undoes broadcasting and checks what comes back, so no rule does.
 */
import type { DType } from '../tensor/dtype.ts';
import type { Node } from '../onnx/graph.ts';
import type { GradientBuilder } from './gradient-builder.ts';

interface Operator {
  readonly op: string;
  /** Default: the standard domain. */
  readonly domain?: string;
  /** First version of the domain's operator set that the rule holds for. */
  readonly since: number;
}

export interface BackwardRule extends Operator {
  /**
   * The operator works element by element, so a gradient that merely broadcasts to the output (as that of a mean does) is
   * handed on as it is, and what the rule returns has the output's shape or broadcasts to it.
   */
  readonly elementwise?: boolean;
  /** Gradients may come in through every output, not the first alone; those that do not come are zeros. */
  readonly severalOutputs?: boolean;
  /**
   * One entry per input, null where nothing flows. `dy` is the gradient of output 0, `dys` are those of all outputs.
   * A gradient may have more elements than its input where the node broadcast it, or fewer where it broadcasts to it.
   */
  backward(
    b: GradientBuilder,
    node: ForwardNode,
    dy: string,
    dys: readonly string[],
  ): readonly (string | null | undefined)[];
}

/** For fused operators: the same computation in operators that have rules. Returns one value per output, '' for none. */
export interface ExpandRule extends Operator {
  expand(b: GradientBuilder, node: ForwardNode): readonly string[];
}

export type GradientRule = BackwardRule | ExpandRule;

/** A node of the forward graph, as rules see it. */
export interface ForwardNode {
  readonly node: Node;
  /** Version of the operator set of the node's domain. */
  readonly opset: number;
  readonly inputCount: number;
  /** An input the operator needs. */
  input(index: number): string;
  /** An input that may be left out. */
  optional(index: number): string | undefined;
  /** An output; one that the forward graph left out is added to it. */
  output(index: number): string;
  /** Shape of an input. */
  dims(index: number): readonly number[];
  outputDims(index?: number): readonly number[];
  dtype(index: number): DType;
  /** Is a gradient asked for this input? Rules may leave the others out. */
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

/** Checked by its type; written so that a rule file reads as a list of rules. */
export function defineRule<R extends GradientRule>(rule: R): R {
  return rule;
}

/** An axis counted from the start. */
export function fromStart(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}

/** Creates nodes. */
import { InputError } from '../../contracts/errors.ts';
import type { Attribute, Node } from './graph.ts';

export interface NodeOptions {
  /** Operator name, for example `MatMul`. */
  readonly op: string;
  /** '' (the default) is the standard domain. */
  readonly domain?: string;
  readonly name: string;
  /** Names of values; '' omits an optional input. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, Attribute>>;
}

/** A node. Throws InputError when it has no operator, no name or no named output. */
export function createNode({ op, domain = '', name, inputs, outputs, attributes = {} }: NodeOptions): Node {
  if (op === '') throw new InputError(`node "${name}": the operator is empty`);
  if (name === '') throw new InputError(`a ${op} node has no name; edits find nodes by name`);
  if (!outputs.some((output) => output !== '')) throw new InputError(`node "${name}" (${op}): no output has a name`);
  return { op, domain, name, inputs, outputs, attributes: new Map(Object.entries(attributes)) };
}

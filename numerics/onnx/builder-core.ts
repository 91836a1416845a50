/** Shared parts of all graph builders: fresh names, shared constants, checks of inputs and common operators. */
import { present } from '../../contracts/present.ts';
import { InputError } from '../../contracts/errors.ts';
import { type Tensor, tensorOf } from '../tensor/tensor.ts';
import { createOperators, type Integers, type Naming, type NodeExtras } from './builder-operators.ts';
import type { Attribute } from './graph.ts';

export interface BuilderCore extends ReturnType<typeof createOperators> {
  /** Adds a node with one output; returns the output's name. */
  emit(
    op: string,
    inputs: readonly string[],
    naming?: Naming,
    attributes?: Readonly<Record<string, Attribute>>,
  ): string;
  /** The name of a constant. Equal keys share one initializer. */
  constant(key: string, tensor: Tensor): string;
  /** An int64 vector as a value. Equal vectors share one initializer. */
  integers(values: Integers): string;
}

export interface CoreOptions {
  readonly node: (op: string, inputs: readonly string[], extras?: NodeExtras) => readonly string[];
  /** Adds an initializer for this number and returns its name. */
  readonly addConstant: (tensor: Tensor, number: number) => string;
  /** Names of the existing constants, by key. */
  readonly constants?: Map<string, string>;
}

export function createBuilderCore({ node, addConstant, constants = new Map() }: CoreOptions): BuilderCore {
  const emit: BuilderCore['emit'] = (op, inputs, { name, output } = {}, attributes = {}) => {
    const [made] = node(op, inputs, {
      ...(name !== undefined && { name }),
      ...(output !== undefined && { outputs: [output] }),
      attributes,
    });
    return present(made, `output of ${op}`);
  };
  function constant(key: string, tensor: Tensor): string {
    const known = constants.get(key);
    if (known !== undefined) return known;
    const name = addConstant(tensor, constants.size);
    constants.set(key, name);
    return name;
  }
  const integers = (values: Integers): string =>
    typeof values === 'string'
      ? values
      : constant(
          `int64 [${values.length}] ${values.join()}`,
          tensorOf('int64', [values.length], BigInt64Array.from(values, BigInt)),
        );
  return { ...createOperators({ node, emit, constant, integers }), emit, constant, integers };
}

/**
 * The stem, or the stem with the first free number: `x`, `x_1`, `x_2`. `counts` remembers the next number for each
 * stem.
 */
export function freshName(
  stem: string,
  { taken, counts }: { readonly taken: (name: string) => boolean; readonly counts?: Map<string, number> },
): string {
  let number = counts?.get(stem) ?? 0;
  let name = number === 0 ? stem : `${stem}_${number}`;
  while (taken(name)) name = `${stem}_${++number}`;
  counts?.set(stem, number + 1);
  return name;
}

/** Throws InputError when a node reads a value that is not defined. '' stands for an omitted input. */
export function requireDefined(
  inputs: readonly string[],
  {
    where,
    reader,
    defined,
  }: { readonly where: string; readonly reader: string; readonly defined: ReadonlySet<string> },
): void {
  const missing = inputs.find((input) => input !== '' && !defined.has(input));
  if (missing !== undefined) throw new InputError(`${where}: ${reader} reads "${missing}", which nothing defines`);
}

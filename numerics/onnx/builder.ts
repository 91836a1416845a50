/**
 * Builds ONNX graphs: one method per common operator of the standard set (opset 18 and later), which adds a node and
 * returns the name of its value. Names are checked immediately, so an error points to the faulty line.
 */
import { InputError } from '../../contracts/errors.ts';
import type { DType } from '../tensor/dtype.ts';
import { type Tensor, tensorOf } from '../tensor/tensor.ts';
import { createBuilderCore, requireDefined } from './builder-core.ts';
import type { createOperators, Integers, NodeExtras } from './builder-operators.ts';
import type { Dim, Node, OnnxFunction, OnnxModel, OnnxTensor, ValueInfo } from './graph.ts';
import { capturedNames } from './names.ts';
import { createNode } from './node.ts';

/** Below this version, ReduceMean and other reductions take axes as an attribute, and Split has no num_outputs. */
const OLDEST_OPSET = 18;
const IR_VERSION = 10;
const CONTRIB_DOMAINS: Readonly<Record<string, number>> = { 'com.microsoft': 1, 'ai.onnx.ml': 3 };

export interface BuilderOptions {
  /** Name of the graph. */
  readonly name: string;
  /** Version of the standard operator set; default 21. */
  readonly opset?: number;
  /**
   * Versions of further operator sets; `com.microsoft` 1 and `ai.onnx.ml` 3 are imported automatically when a node
   * needs them.
   */
  readonly opsets?: Readonly<Record<string, number>>;
  readonly functions?: readonly OnnxFunction[];
}

interface Core {
  /**
   * Adds a node of any operator; returns the names of its outputs. Output names given here get the scope's prefix,
   * inputs do not.
   */
  node(op: string, inputs: readonly string[], extras?: NodeExtras): readonly string[];
  initializer(name: string, tensor: Tensor): string;
  /** An int64 vector as a value; equal ones share one initializer. */
  integers(values: Integers): string;
  /** A scalar; equal ones share one initializer. */
  scalar(value: number, dtype?: 'float32' | 'float64' | 'int32' | 'int64'): string;
  input(name: string, dtype: DType, dims: readonly Dim[]): string;
  /** Makes a value an output; under another name through an Identity node. */
  output(value: string, options: OutputOptions): string;
  /**
   * A builder of the same graph that puts `prefix` and a dot before all names given to it except those of inputs and
   * outputs.
   */
  scope(prefix: string): GraphBuilder;
  /** The current model. Throws InputError when it has no output or needs an operator set of unknown version. */
  build(): OnnxModel;
}

export type GraphBuilder = Core & ReturnType<typeof createOperators>;

export interface OutputOptions {
  readonly name?: string;
  readonly dtype: DType;
  readonly dims: readonly Dim[];
}

interface State {
  readonly nodes: Node[];
  readonly inputs: ValueInfo[];
  readonly outputs: ValueInfo[];
  readonly initializers: Map<string, OnnxTensor>;
  readonly values: Set<string>;
  readonly nodeNames: Set<string>;
  readonly domains: Set<string>;
  /** Names of the small constants by value. */
  readonly constants: Map<string, string>;
}

/** Throws InputError on an opset before 18. */
export function createGraphBuilder(options: BuilderOptions): GraphBuilder {
  const opset = options.opset ?? 21;
  if (opset < OLDEST_OPSET) {
    throw new InputError(`graph "${options.name}": the builder writes opset ${OLDEST_OPSET} or later, got ${opset}`);
  }
  const state: State = {
    nodes: [],
    inputs: [],
    outputs: [],
    initializers: new Map(),
    values: new Set(),
    nodeNames: new Set(),
    domains: new Set(),
    constants: new Map(),
  };
  return createScope({ ...options, opset }, state, '');
}

function createScope(options: BuilderOptions & { readonly opset: number }, state: State, prefix: string): GraphBuilder {
  const where = `graph "${options.name}"`;

  function define(name: string): string {
    if (name === '' || state.values.has(name))
      throw new InputError(`${where}: value "${name}" is defined already or empty`);
    state.values.add(name);
    return name;
  }
  function numberedName(op: string): string {
    let number = 0;
    while (state.nodeNames.has(`${prefix}${op}_${number}`) || state.values.has(`${prefix}${op}_${number}`)) number++;
    return `${op}_${number}`;
  }

  function node(op: string, inputs: readonly string[], extras: NodeExtras = {}): readonly string[] {
    const local = extras.name ?? numberedName(op);
    const name = prefix + local;
    if (state.nodeNames.has(name)) throw new InputError(`${where}: a node "${name}" exists already`);
    const outputs = (extras.outputs ?? [local]).map((output) => (output === '' ? '' : prefix + output));
    const made = createNode({
      op,
      domain: extras.domain ?? '',
      name,
      inputs,
      outputs,
      attributes: extras.attributes ?? {},
    });
    const used = [...inputs];
    for (const attribute of made.attributes.values()) {
      if (attribute.type === 'graph') used.push(...capturedNames(attribute.value));
    }
    requireDefined(used, { where, reader: `node "${name}" (${op})`, defined: state.values });
    for (const output of outputs) if (output !== '') define(output);
    state.nodeNames.add(name);
    state.domains.add(made.domain);
    state.nodes.push(made);
    return outputs;
  }

  function initializer(name: string, tensor: Tensor): string {
    const full = define(prefix + name);
    state.initializers.set(full, tensor);
    return full;
  }

  const {
    constant,
    emit: _,
    ...core
  } = createBuilderCore({
    node,
    constants: state.constants,
    addConstant(tensor, number) {
      const name = define(`constant.${number}`);
      state.initializers.set(name, tensor);
      return name;
    },
  });

  return {
    ...core,
    node,
    initializer,

    scope: (inner) => createScope(options, state, `${prefix}${inner}.`),
    input(name, dtype, dims) {
      state.inputs.push({ name: define(name), type: { kind: 'tensor', dtype, dims } });
      return name;
    },
    scalar(value, dtype = 'float32') {
      const key = `${dtype} ${Object.is(value, -0) ? '-0' : value}`;
      if (dtype === 'int64') return constant(key, tensorOf(dtype, [], BigInt64Array.of(BigInt(value))));
      if (dtype === 'int32') return constant(key, tensorOf(dtype, [], Int32Array.of(value)));
      if (dtype === 'float64') return constant(key, tensorOf(dtype, [], Float64Array.of(value)));
      return constant(key, tensorOf(dtype, [], Float32Array.of(value)));
    },
    output(value, { name = value, dtype, dims }) {
      if (!state.values.has(value)) throw new InputError(`${where}: output "${value}" is defined by nothing`);
      if (state.outputs.some((output) => output.name === name))
        throw new InputError(`${where}: output "${name}" exists already`);
      if (name !== value) {
        state.nodes.push(
          createNode({ op: 'Identity', name: `${name}.identity`, inputs: [value], outputs: [define(name)] }),
        );
      }
      state.outputs.push({ name, type: { kind: 'tensor', dtype, dims } });
      return name;
    },

    build() {
      if (state.outputs.length === 0) throw new InputError(`${where} has no output; call output()`);
      const opsets = new Map<string, number>([['', options.opset], ...Object.entries(options.opsets ?? {})]);
      for (const domain of state.domains) {
        if (opsets.has(domain)) continue;
        const own = options.functions?.some((item) => item.domain === domain) ? 1 : undefined;
        const version = CONTRIB_DOMAINS[domain] ?? own;
        if (version === undefined) throw new InputError(`${where} uses domain "${domain}"; give its version in opsets`);
        opsets.set(domain, version);
      }
      return {
        irVersion: IR_VERSION,
        opsets,
        producerName: 'shrinkrank',
        producerVersion: '',
        domain: '',
        modelVersion: 0n,
        functions: options.functions ?? [],
        graph: {
          name: options.name,
          nodes: [...state.nodes],
          inputs: [...state.inputs],
          outputs: [...state.outputs],
          initializers: new Map(state.initializers),
          sparseInitializers: [],
          valueInfo: [],
        },
      };
    },
  };
}

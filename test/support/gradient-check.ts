/**
 * Gradients of single nodes against central differences, both run in onnxruntime. The loss is Σ r y over the node's outputs with
 * random r, so that every element of the Jacobian counts.
 */
import { gradientGraph } from '../../numerics/autodiff/gradient.ts';
import { InputError } from '../../contracts/errors.ts';
import { createNode } from '../../numerics/onnx/node.ts';
import { int } from '../../numerics/onnx/attributes.ts';
import type { Attribute, Graph, Node, OnnxModel, OnnxTensor, ValueInfo } from '../../numerics/onnx/graph.ts';
import { inferShapes } from '../../numerics/onnx/shapes.ts';
import { createSession } from '../../engine/runtime/session.ts';
import { createRandom, type Random } from '../../numerics/tensor/random.ts';
import { elementCount, elements, type NumericTensor, tensorOf } from '../../numerics/tensor/tensor.ts';

export type FloatType = 'float32' | 'float64';

/** A shape, filled with normal deviates; a shape with its own elements; a tensor that is not differentiated; '' for left out. */
export type CaseInput =
  | readonly number[]
  | { readonly dims: readonly number[]; readonly fill: (random: Random, index: number) => number }
  | { readonly constant: NumericTensor }
  /** Like a constant, but its elements are known only at run time. */
  | { readonly fed: NumericTensor }
  | '';

export interface GradientCase {
  /** What is special about it. */
  readonly name: string;
  readonly inputs: readonly CaseInput[];
  readonly attributes?: Readonly<Record<string, Attribute>>;
  /** Default 21. */
  readonly opset?: number;
  /** Default float64; float32 where onnxruntime has no double kernel. */
  readonly dtype?: FloatType;
  /** Outputs that the loss reads, default the first; '' among them stands for one left out. */
  readonly outputs?: readonly (boolean | '')[];
  /** Default true. */
  readonly contrib?: boolean;
  /** Nothing flows: the differences are 0 and gradientGraph says that the loss does not depend on the inputs. */
  readonly flat?: boolean;
}

export interface CheckedOperator {
  readonly op: string;
  readonly domain?: string;
}

/** Step, and the error relative to the largest element of the gradient that is allowed. */
const ACCURACY = {
  float64: { step: 1e-3, tolerance: 1e-7 },
  float32: { step: 5e-2, tolerance: 1e-3 },
} as const;

export const toleranceOf = (dtype: FloatType = 'float64'): number => ACCURACY[dtype].tolerance;

export function floatTensor(dtype: FloatType, dims: readonly number[], values: ArrayLike<number>): NumericTensor {
  return dtype === 'float32'
    ? tensorOf(dtype, dims, Float32Array.from(values))
    : tensorOf(dtype, dims, Float64Array.from(values));
}

export function floatsOf(tensor: NumericTensor): Float64Array {
  return tensor.dtype === 'float32'
    ? Float64Array.from(elements(tensor, 'float32'))
    : elements(tensor, 'float64').slice();
}

export const integers = (dims: readonly number[], values: readonly number[]): { readonly constant: NumericTensor } => ({
  constant: tensorOf('int64', dims, BigInt64Array.from(values, BigInt)),
});

export const floats = (dims: readonly number[], values: readonly number[]): CaseInput => ({
  dims,
  fill: (_, index) => values[index] as number,
});

export interface CaseModel {
  readonly model: OnnxModel;
  readonly feeds: Readonly<Record<string, NumericTensor>>;
  readonly targets: readonly string[];
}

const OPSETS: ReadonlyMap<string, number> = new Map([['com.microsoft', 1]]);

/** The case as a model with output `loss`. */
export function caseModel({ op, domain = '' }: CheckedOperator, given: GradientCase): CaseModel {
  const { dtype = 'float64', opset = 21, outputs = [true] } = given;
  const random = createRandom(`${op}/${given.name}`);
  const feeds: Record<string, NumericTensor> = {};
  const initializers = new Map<string, OnnxTensor>();
  const targets: string[] = [];
  const names = given.inputs.map((input, index) => {
    if (input === '') return '';
    const name = `x${index}`;
    if ('constant' in input) {
      initializers.set(name, input.constant);
    } else if ('fed' in input) {
      feeds[name] = input.fed;
    } else {
      const { dims, fill } = 'dims' in input ? input : { dims: input, fill: (source: Random) => source.normal() };
      feeds[name] = floatTensor(
        dtype,
        dims,
        Array.from({ length: elementCount(dims) }, (_, at) => fill(random, at)),
      );
      targets.push(name);
    }
    return name;
  });
  const made = outputs.map((output, index) => (output === '' ? '' : `y${index}`));
  const nodes: Node[] = [
    createNode({ op, domain, name: 'checked', inputs: names, outputs: made, attributes: given.attributes ?? {} }),
  ];
  const info = (name: string, tensor: NumericTensor): ValueInfo => ({
    name,
    type: { kind: 'tensor', dtype: tensor.dtype, dims: tensor.dims },
  });
  const graph: Graph = {
    name: `${op} ${given.name}`,
    nodes,
    inputs: Object.entries(feeds).map(([name, tensor]) => info(name, tensor)),
    outputs: [],
    initializers,
    sparseInitializers: [],
    valueInfo: [],
  };
  const model: OnnxModel = {
    irVersion: 10,
    opsets: new Map([...OPSETS, ['', opset]]),
    producerName: '',
    producerVersion: '',
    domain: '',
    modelVersion: 0n,
    functions: [],
    graph,
  };
  const shapes = inferShapes(model, { inputs: {} });
  const terms = outputs.flatMap((output, index) => {
    if (output !== true) return [];
    const value = `y${index}`;
    const dims = shapes.get(value)?.dims ?? [];
    const weights = `r${index}`;
    initializers.set(
      weights,
      floatTensor(
        dtype,
        dims,
        Array.from({ length: elementCount(dims) }, () => random.normal()),
      ),
    );
    nodes.push(
      createNode({ op: 'Mul', name: `${value}.weighted`, inputs: [value, weights], outputs: [`${value}.weighted`] }),
    );
    nodes.push(
      createNode({
        op: 'ReduceSum',
        name: `${value}.sum`,
        inputs: [`${value}.weighted`],
        outputs: [`${value}.sum`],
        attributes: { keepdims: int(0) },
      }),
    );
    return [`${value}.sum`];
  });
  nodes.push(createNode({ op: 'Sum', name: 'loss', inputs: terms, outputs: ['loss'] }));
  const loss: ValueInfo = { name: 'loss', type: { kind: 'tensor', dtype, dims: [] } };
  return { model: { ...model, graph: { ...graph, outputs: [loss] } }, feeds, targets };
}

export interface CheckResult {
  /** Largest |gradient - difference| over the largest |difference| of the same input (at least 0.01). */
  readonly worstError: number;
  readonly gradients: Readonly<Record<string, Float64Array>>;
}

/** Five-point central differences of `loss` by every element of `targets`. */
export async function centralDifferences(
  { model, feeds, targets }: CaseModel,
  { step, only }: { readonly step: number; readonly only?: Readonly<Record<string, readonly number[]>> },
): Promise<Readonly<Record<string, Float64Array>>> {
  const session = await createSession(model, { threads: 1 });
  const found: Record<string, Float64Array> = {};
  for (const target of targets) {
    const tensor = feeds[target] as NumericTensor;
    const values = floatsOf(tensor);
    const at = async (index: number, shift: number): Promise<number> => {
      const moved = values.slice();
      moved[index] = (moved[index] as number) + shift;
      const { loss } = await session.run({
        ...feeds,
        [target]: floatTensor(tensor.dtype as FloatType, tensor.dims, moved),
      });
      return floatsOf(loss as NumericTensor)[0] as number;
    };
    const slopes: number[] = [];
    for (const index of only?.[target] ?? values.keys()) {
      const near = (await at(index, step)) - (await at(index, -step));
      const far = (await at(index, 2 * step)) - (await at(index, -2 * step));
      slopes.push((8 * near - far) / (12 * step));
    }
    found[target] = Float64Array.from(slopes);
  }
  await session.release();
  return found;
}

export async function checkGradient(operator: CheckedOperator, given: GradientCase): Promise<CheckResult> {
  const built = caseModel(operator, given);
  const { contrib } = given;
  const { step } = ACCURACY[given.dtype ?? 'float64'];
  if (given.flat) return checkFlat(built, step);
  const gradient = gradientGraph({
    model: built.model,
    inputs: {},
    loss: 'loss',
    targets: built.targets,
    ...(contrib === undefined ? {} : { contrib }),
  });
  const session = await createSession(gradient.model, { threads: 1 });
  const live = new Set(gradient.model.graph.inputs.map((input) => input.name));
  const results = await session.run(Object.fromEntries(Object.entries(built.feeds).filter(([name]) => live.has(name))));
  await session.release();
  const differences = await centralDifferences(built, { step });
  const gradients: Record<string, Float64Array> = {};
  let worstError = 0;
  for (const target of built.targets) {
    const found = floatsOf(results[gradient.gradients.get(target) as string] as NumericTensor);
    const expected = differences[target] as Float64Array;
    if (found.length !== expected.length)
      throw new Error(`${target}: ${found.length} elements, not ${expected.length}`);
    const scale = expected.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0.01);
    for (const [index, value] of found.entries()) {
      const error = Math.abs(value - (expected[index] as number)) / scale;
      worstError = Number.isNaN(error) ? Number.POSITIVE_INFINITY : Math.max(worstError, error);
    }
    gradients[target] = found;
  }
  return { worstError, gradients };
}

async function checkFlat(built: CaseModel, step: number): Promise<CheckResult> {
  const gradients = await centralDifferences(built, { step });
  const slopes = Object.values(gradients).flatMap((values) => [...values]);
  try {
    gradientGraph({ model: built.model, inputs: {}, loss: 'loss', targets: built.targets });
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return { worstError: Math.max(...slopes.map(Math.abs)), gradients };
  }
  throw new Error('a gradient flows where none should');
}

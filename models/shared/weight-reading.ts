/** Weights requested one by one by the names of their initializers: from a stored graph, or randomly initialized. */
import { InputError } from '../../contracts/errors.ts';
import type { Random } from '../../numerics/tensor/random.ts';
import { describeTensor, elementCount, elements, type Tensor } from '../../numerics/tensor/tensor.ts';
import type { NormWeights } from './layer-norm.ts';
import type { LinearWeights } from './linear-layer.ts';

/** The elements of the weight with this name and shape, row-major. */
export type ReadWeight = (name: string, dims: readonly number[]) => Float32Array;

export function readLinear(read: ReadWeight, name: string, dims: readonly [number, number]): LinearWeights {
  return { weight: read(`${name}.weight`, dims), bias: read(`${name}.bias`, [dims[1]]) };
}

export function readNorm(read: ReadWeight, name: string, width: number): NormWeights {
  return { weight: read(`${name}.weight`, [width]), bias: read(`${name}.bias`, [width]) };
}

/** Reads from a graph's initializers. Throws InputError for a missing one or one of another type or shape. */
export function storedWeights(initializers: ReadonlyMap<string, Tensor>): ReadWeight {
  return (name, dims) => {
    const tensor = initializers.get(name);
    if (tensor?.dtype !== 'float32' || tensor.dims.join() !== dims.join()) {
      throw new InputError(
        `weight ${name}: expected float32[${dims.join(', ')}], got ${tensor ? describeTensor(tensor) : 'none'}; ` +
          'the file belongs to another configuration',
      );
    }
    return elements(tensor, 'float32');
  };
}

/** Standard deviation of GPT-2's and BERT's initial weights. */
const DEVIATION = 0.02;

/** Matrices and tables: normal with deviation 0.02 · scale. Vectors: 1 for the weight of a norm, 0 for a bias. */
export function initialWeight(options: {
  readonly name: string;
  readonly dims: readonly number[];
  /** Random streams are forked by name, so that a weight does not depend on the order of the others. */
  readonly random: Random;
  readonly scale?: number;
}): Float32Array {
  const { name, dims, random, scale = 1 } = options;
  const weight = new Float32Array(elementCount(dims));
  if (dims.length === 1) return weight.fill(name.endsWith('.bias') ? 0 : 1);
  const stream = random.fork(name);
  for (let i = 0; i < weight.length; i++) weight[i] = DEVIATION * scale * stream.normal();
  return weight;
}

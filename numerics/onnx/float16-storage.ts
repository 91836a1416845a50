/**
 * Half-precision storage: an initializer is kept as float16, and a Cast widens it when the model is loaded. Engines fold a Cast
 * of a constant, so that arithmetic, speed and memory at run time stay those of float32.
 * Format of Micikevicius et al. 2018, https://arxiv.org/abs/1710.03740, for storage alone.
 */
import { DTYPES } from '../tensor/dtype.ts';
import { toFloat16Bits } from '../tensor/float16.ts';
import { elementCount, elements, type NumericTensor, rawTensor } from '../tensor/tensor.ts';
import { int } from './attributes.ts';
import { addInitializers, withGraph } from './edit.ts';
import type { Node, OnnxModel } from './graph.ts';
import { createNode } from './node.ts';

/** A Cast takes about a hundred bytes of the file; a tensor below this would not become smaller. */
const FEWEST_ELEMENTS = 64;

export interface StoredAsFloat16 {
  readonly model: OnnxModel;
  /** Names of what stays in float32, since it holds a number that float16 (at most 65504) cannot. */
  readonly tooLarge: readonly string[];
}

/** The model with those of its float32 initializers that `isStored` accepts in float16, rounded to the nearest. */
export function storeAsFloat16(model: OnnxModel, isStored: (name: string) => boolean): StoredAsFloat16 {
  const initializers = new Map(model.graph.initializers);
  const tooLarge: string[] = [];
  const casts: Node[] = [];
  const narrow: Record<string, NumericTensor> = {};
  for (const [name, tensor] of model.graph.initializers) {
    if (tensor.dtype !== 'float32' || elementCount(tensor.dims) < FEWEST_ELEMENTS || !isStored(name)) continue;
    const patterns = Uint16Array.from(elements(tensor, 'float32'), toFloat16Bits);
    if (patterns.some((pattern) => (pattern & 0x7fff) >= 0x7c00)) {
      tooLarge.push(name);
      continue;
    }
    const stored = `${name}.float16`;
    initializers.delete(name);
    narrow[stored] = rawTensor('float16', tensor.dims, new Uint8Array(patterns.buffer));
    casts.push(
      createNode({
        op: 'Cast',
        name: `${name}.widen`,
        inputs: [stored],
        outputs: [name],
        attributes: { to: int(DTYPES.float32.code) },
      }),
    );
  }
  if (casts.length === 0) return { model, tooLarge };
  const graph = addInitializers({ ...model.graph, initializers }, narrow);
  return { model: withGraph(model, { ...graph, nodes: [...casts, ...graph.nodes] }), tooLarge };
}

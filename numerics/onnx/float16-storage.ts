/**
 * Half-precision storage: an initializer is stored as float16, and a Cast converts it to float32 when the model is
 * loaded. Runtimes fold a Cast of a constant, so arithmetic, speed and memory at run time are those of float32.
 * Format of Micikevicius et al. 2018, https://arxiv.org/abs/1710.03740, used for storage only.
 */
import { DTYPES } from '../tensor/dtype.ts';
import { toFloat16Bits } from '../tensor/float16.ts';
import { elementCount, elements, type NumericTensor, rawTensor } from '../tensor/tensor.ts';
import { int } from './attributes.ts';
import { addInitializers, withGraph } from './edit.ts';
import type { Node, OnnxModel } from './graph.ts';
import { createNode } from './node.ts';

/** A Cast takes about a hundred bytes of the file; smaller tensors would not shrink. */
const FEWEST_ELEMENTS = 64;

export interface StoredAsFloat16 {
  readonly model: OnnxModel;
  /** Names of initializers kept in float32 because they contain a value beyond the range of float16 (65504). */
  readonly tooLarge: readonly string[];
}

/** The model with the float32 initializers that `isStored` accepts stored in float16, rounded to nearest. */
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

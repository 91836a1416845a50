/**
 * Double quantization: the scales of blocks are rounded to 8 bits, in blocks of 256 around their mean.
 * Dettmers et al. 2023 (QLoRA), https://arxiv.org/abs/2305.14314, section 3, with the 8-bit levels of bitsandbytes
 * (functional.py, create_dynamic_map): steps that grow with the value, Dettmers 2016, https://arxiv.org/abs/1511.04561.
 * The scales are computed when the file is loaded.
 */
import { int } from '../../../numerics/onnx/attributes.ts';
import { addInitializers } from '../../../numerics/onnx/edit.ts';
import type { Graph, Node, OnnxModel } from '../../../numerics/onnx/graph.ts';
import { DTYPES } from '../../../numerics/tensor/dtype.ts';
import { tensorOf } from '../../../numerics/tensor/tensor.ts';
import { bodyNode, callNode, constantNode, withFunction } from './model-function.ts';
import { nearestLevel } from './nearest-level.ts';

/** absmax[i] = DYNAMIC_LEVELS[codes[i]] · scales[⌊i / 256⌋] + offset */
export interface NestedAbsmax {
  readonly codes: Uint8Array;
  /** [⌈codes / 256⌉] */
  readonly scales: Float32Array;
  readonly offset: number;
}

const BLOCK = 256;
const FUNCTION = 'NestedAbsmax';
const LEVELS_NAME = 'absmax_levels';

/** 256 levels of [-1, 1], ascending: each decade from 10⁻⁶ on has twice as many as the one below. */
export const DYNAMIC_LEVELS: Float32Array = dynamicLevels();

function dynamicLevels(): Float32Array {
  const levels = [0, 1];
  for (let decade = 0; decade < 7; decade++) {
    const count = 2 ** decade;
    const edge = (at: number) => Math.fround(0.1 + (0.9 * at) / count);
    for (let at = 0; at < count; at++) {
      const middle = Math.fround((edge(at) + edge(at + 1)) / 2) * 10 ** (decade - 6);
      levels.push(middle, -middle);
    }
  }
  return Float32Array.from(levels).sort();
}

/** absmax: not negative. */
export function nestAbsmax(absmax: Float32Array): NestedAbsmax {
  const offset = Math.fround(absmax.reduce((sum, value) => sum + value, 0) / absmax.length);
  const centred = absmax.map((value) => value - offset);
  const scales = new Float32Array(Math.ceil(absmax.length / BLOCK));
  centred.forEach((value, at) => {
    const block = Math.floor(at / BLOCK);
    scales[block] = Math.max(scales[block]!, Math.abs(value));
  });
  const codes = Uint8Array.from(centred, (value, at) => {
    const scale = scales[Math.floor(at / BLOCK)]!;
    return nearestLevel(DYNAMIC_LEVELS, scale === 0 ? 0 : Math.fround(value / scale));
  });
  return { codes, scales, offset };
}

export function unnestAbsmax({ codes, scales, offset }: NestedAbsmax): Float32Array {
  return Float32Array.from(
    codes,
    (code, at) => Math.fround(DYNAMIC_LEVELS[code]! * scales[Math.floor(at / BLOCK)]!) + offset,
  );
}

/** The node that computes `absmax`, float32 [codes], and the graph with the initializers it reads. */
export function nestedAbsmaxNode(
  graph: Graph,
  absmax: string,
  { codes, scales, offset }: NestedAbsmax,
): { readonly graph: Graph; readonly node: Node } {
  const names = { codes: `${absmax}.codes`, scales: `${absmax}.scales`, offset: `${absmax}.offset` };
  const stored = addInitializers(graph, {
    [names.codes]: tensorOf('uint8', [codes.length], codes),
    [names.scales]: tensorOf('float32', [scales.length], scales),
    [names.offset]: tensorOf('float32', [], Float32Array.of(offset)),
    ...(!graph.initializers.has(LEVELS_NAME) && { [LEVELS_NAME]: tensorOf('float32', [256], DYNAMIC_LEVELS) }),
  });
  const inputs = [names.codes, names.scales, names.offset, LEVELS_NAME];
  return {
    graph: stored,
    node: callNode(FUNCTION, inputs, absmax),
  };
}

/** The model with this graph, which may contain such nodes. */
export function withNestedAbsmax(model: OnnxModel, graph: Graph): OnnxModel {
  const integers = (...values: number[]) => tensorOf('int64', [values.length], BigInt64Array.from(values, BigInt));
  return withFunction(model, graph, {
    name: FUNCTION,
    inputs: ['codes', 'scales', 'offset', 'levels'],
    outputs: ['absmax'],
    nodes: [
      bodyNode('Cast', ['codes'], 'indices', { to: int(DTYPES.int32.code) }),
      bodyNode('Gather', ['levels', 'indices'], 'centred'),
      // Repeats each scale for each of its codes; the last block may be shorter.
      constantNode('column', integers(-1, 1)),
      constantNode('row', integers(1, BLOCK)),
      constantNode('flat', integers(-1)),
      constantNode('start', integers(0)),
      bodyNode('Reshape', ['scales', 'column'], 'scale_column'),
      bodyNode('Expand', ['scale_column', 'row'], 'scale_rows'),
      bodyNode('Reshape', ['scale_rows', 'flat'], 'all_scales'),
      bodyNode('Shape', ['codes'], 'count'),
      bodyNode('Slice', ['all_scales', 'start', 'count'], 'own_scales'),
      bodyNode('Mul', ['centred', 'own_scales'], 'scaled'),
      bodyNode('Add', ['scaled', 'offset'], 'absmax'),
    ],
  });
}

/**
 * Rotary positions over interleaved pairs (Su et al. 2021, https://arxiv.org/abs/2104.09864) and the causal mask, as
 * ONNX nodes for any length of input. The cosines and sines of all positions are initializers, sliced at run time.
 */
import type { GraphBuilder } from '../../numerics/onnx/builder.ts';
import { tensorOf } from '../../numerics/tensor/tensor.ts';
import { causalMask, positionIds, sequenceCount } from './positions.ts';

export interface PositionsConfig {
  readonly headWidth: number;
  readonly contextLength: number;
  /** Base of the rotary wavelengths. */
  readonly rotaryBase: number;
}

export interface Positions {
  /** [sequence, 1, headWidth / 2, 1] */
  readonly cos: string;
  readonly sin: string;
  /** bool [sequence, sequence]: true where the row's position may see the column's. */
  readonly visible: string;
}

/** Values that depend only on the length of the input. Positions beyond the context fail at the first rotation. */
export function buildPositions(b: GraphBuilder, inputIds: string, config: PositionsConfig): Positions {
  const { headWidth, contextLength, rotaryBase } = config;
  const { cosines, sines } = rotaryTables(headWidth, contextLength, rotaryBase);
  const tableDims = [contextLength, 1, headWidth / 2, 1];
  const cosTable = b.initializer('rotary.cos.table', tensorOf('float32', tableDims, cosines));
  const sinTable = b.initializer('rotary.sin.table', tensorOf('float32', tableDims, sines));

  const count = sequenceCount(b, inputIds);
  const cos = b.slice(cosTable, { starts: [0], ends: count, axes: [0], name: 'rotary.cos' });
  const sin = b.slice(sinTable, { starts: [0], ends: count, axes: [0], name: 'rotary.sin' });
  return { cos, sin, visible: causalMask(b, positionIds(b, count)) };
}

/**
 * [batch, sequence, heads * headWidth] → [batch, sequence, heads, headWidth], with pair (2i, 2i + 1) of a head at
 * position p rotated by the angle p base^(-2i / headWidth).
 */
export function rotate(
  b: GraphBuilder,
  name: string,
  x: string,
  { heads, headWidth, positions }: { heads: number; headWidth: number; positions: Positions },
): string {
  const { cos, sin } = positions;
  const pairs = b.reshape(x, [0, 0, heads, headWidth / 2, 2], { name: `${name}.pairs` });
  const [even, odd] = b.split(pairs, {
    axis: -1,
    outputs: [`${name}.even`, `${name}.odd`],
    name: `${name}.split`,
  }) as readonly [string, string];
  const turnedEven = b.sub(
    b.mul(even, cos, { name: `${name}.even.cos` }),
    b.mul(odd, sin, { name: `${name}.odd.sin` }),
    { name: `${name}.even.turned` },
  );
  const turnedOdd = b.add(
    b.mul(even, sin, { name: `${name}.even.sin` }),
    b.mul(odd, cos, { name: `${name}.odd.cos` }),
    { name: `${name}.odd.turned` },
  );
  const turned = b.concat([turnedEven, turnedOdd], { axis: -1, name: `${name}.turned` });
  return b.reshape(turned, [0, 0, heads, headWidth], { name });
}

/** Cosine and sine of position × base^(-2i / headWidth), [context, headWidth / 2], computed in float64. */
export function rotaryTables(
  headWidth: number,
  contextLength: number,
  base: number,
): { readonly cosines: Float32Array; readonly sines: Float32Array } {
  const half = headWidth / 2;
  const angle = (index: number): number => Math.floor(index / half) * base ** (-(2 * (index % half)) / headWidth);
  const indices = { length: contextLength * half };
  return {
    cosines: Float32Array.from(indices, (_, index) => Math.cos(angle(index))),
    sines: Float32Array.from(indices, (_, index) => Math.sin(angle(index))),
  };
}

/**
 * Grids for a sweep over input features: the grids of a group are fitted to its current weights when the sweep reaches
 * it, and are fixed from then on. Frantar et al. 2023, https://arxiv.org/abs/2210.17323, section 3.3.
 */
import { type Grid, type GridFormat, codeOf, gridOfRange, valueOf } from '../formats/grid.ts';
import { blockSizeOf, type GroupSize, type QuantizedWeight, type WeightShape } from '../formats/matmul-nbits.ts';

export interface SweepGrids {
  /** Rounds the values [out] of one feature in place and records their codes. */
  round(feature: number, values: Float32Array): void;
  /** Call once all features are rounded. */
  quantized(): QuantizedWeight;
}

export interface SweepGridOptions extends WeightShape, GridFormat {
  /** [in, out]; read when a group is fitted. */
  readonly weight: Float32Array;
  readonly groupSize: GroupSize;
  /** Fit all groups at once, for a sweep that visits features out of order; default false. */
  readonly beforehand?: boolean;
}

export function sweepGrids(options: SweepGridOptions): SweepGrids {
  const { weight, inFeatures, outFeatures, bits, symmetric, beforehand = false } = options;
  const groupSize = blockSizeOf(options.groupSize, inFeatures);
  const groups = Math.ceil(inFeatures / groupSize);
  const grids: Grid[][] = []; // [groups][out]
  const fit = (group: number) => {
    const rows = { first: group * groupSize, end: Math.min((group + 1) * groupSize, inFeatures) };
    grids[group] = fitRows(weight, { ...rows, outFeatures, bits, symmetric });
  };
  if (beforehand) for (let group = 0; group < groups; group++) fit(group);
  const codes = new Uint8Array(inFeatures * outFeatures); // [in, out]
  return {
    round(feature, values) {
      const group = Math.floor(feature / groupSize);
      if (!beforehand && feature % groupSize === 0) fit(group);
      const grid = grids[group]!;
      for (let out = 0; out < outFeatures; out++) {
        const code = codeOf(grid[out]!, values[out]!);
        codes[feature * outFeatures + out] = code;
        values[out] = valueOf(grid[out]!, code);
      }
    },
    quantized() {
      const gridAt = (at: number) => grids[at % groups]![Math.floor(at / groups)]!;
      const count = outFeatures * groups;
      return {
        inFeatures,
        outFeatures,
        bits,
        symmetric,
        blockSize: groupSize,
        codes: transposedCodes(codes, inFeatures, outFeatures),
        scales: Float32Array.from({ length: count }, (_, at) => gridAt(at).scale),
        zeroPoints: Uint8Array.from({ length: count }, (_, at) => gridAt(at).zeroPoint),
      };
    },
  };
}

/** The grid of each output over the input features [first, end), [out]. */
function fitRows(
  weight: Float32Array,
  rows: GridFormat & { readonly first: number; readonly end: number; readonly outFeatures: number },
): Grid[] {
  const { first, end, outFeatures } = rows;
  const low = new Float32Array(outFeatures).fill(Infinity);
  const high = new Float32Array(outFeatures).fill(-Infinity);
  for (let i = first; i < end; i++) {
    for (let out = 0; out < outFeatures; out++) {
      const value = weight[i * outFeatures + out]!;
      if (value < low[out]!) low[out] = value;
      if (value > high[out]!) high[out] = value;
      if (Number.isNaN(value)) high[out] = Infinity; // refused by gridOfRange
    }
  }
  return Array.from({ length: outFeatures }, (_, out) => gridOfRange(low[out]!, high[out]!, rows));
}

/** [in, out] → [out, in] */
function transposedCodes(codes: Uint8Array, inFeatures: number, outFeatures: number): Uint8Array {
  const transposed = new Uint8Array(codes.length);
  // Tiles keep both arrays in the cache.
  for (let i0 = 0; i0 < inFeatures; i0 += 64) {
    for (let out0 = 0; out0 < outFeatures; out0 += 64) {
      for (let out = out0; out < Math.min(out0 + 64, outFeatures); out++) {
        for (let i = i0; i < Math.min(i0 + 64, inFeatures); i++) {
          transposed[out * inFeatures + i] = codes[i * outFeatures + out]!;
        }
      }
    }
  }
  return transposed;
}

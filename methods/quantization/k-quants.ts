/**
 * K-quants: rounding to nearest with scales that a search fits to each block and that are themselves stored in few
 * bits.
 * The formats Q4_K, Q3_K and Q2_K of llama.cpp with an importance matrix: ggml/src/ggml-quants.c of
 * https://github.com/ggml-org/llama.cpp, quantize_row_q{4,3,2}_K_impl. The searches are in
 * methods/shared/solvers/k-quants.ts, the file format in methods/shared/formats/super-blocks.ts. The importance of an
 * input is its mean square on calibration data, as in llama-imatrix; the error of a weight w is weighted by importance
 * · √(σ² + w²), with σ² over the super-block.
 * Differs from llama.cpp: without importance all inputs count equally; a super-block never crosses outputs.
 */
import * as v from 'valibot';
import { inputStatistics, positionCount } from '../../engine/calibrate/input-statistics.ts';
import { present } from '../../contracts/present.ts';
import { defineMethod } from '../../engine/definitions/method.ts';
import { withQuantizedEmbedding } from '../shared/formats/gather-block-quantized.ts';
import { toFloat16 } from '../shared/formats/codebook.ts';
import { blockSizeOf, type WeightShape } from '../shared/formats/matmul-nbits.ts';
import { roundHalfToEven } from '../shared/formats/round-half-to-even.ts';
import {
  blocksTogether,
  type CodedBlocks,
  decodeBlocks,
  type SuperBlockWeight,
  withSuperBlocks,
} from '../shared/formats/super-blocks.ts';
import { kernelRemark, weightFormat } from '../shared/formats/weight-format.ts';
import { fitPositive, fitSigned, fitWithMinimum } from '../shared/solvers/k-quants.ts';

/**
 * Bits of weights and of scales, weights per block, blocks per super-block, and σ² as a multiple of the mean square.
 */
const FORMATS = {
  q4: { bits: 4, scaleBits: 6, block: 32, together: 8, minima: true, spread: 2 },
  q3: { bits: 3, scaleBits: 6, block: 16, together: 16, minima: false, spread: 2 },
  q2: { bits: 2, scaleBits: 4, block: 16, together: 16, minima: true, spread: 1 },
} as const;
type Format = (typeof FORMATS)[keyof typeof FORMATS];

export default defineMethod({
  id: 'k-quants',
  family: 'quantization',
  access: 'calibrated',
  revision: 1,
  description:
    'Rounds each weight of the linear layers to the nearest of 4, 8 or 16 evenly spaced values in blocks of 16 or 32, as files of llama.cpp do: a search finds the scale of each block that makes errors on strong inputs small, and scales take 4 to 6 bits. ' +
    'Token embedding and output layer stay in floating point unless a variant says otherwise (e4).',
  paper: {
    title: 'llama.cpp: k-quants',
    authors: 'Iwan Kawrakow, Georgi Gerganov and contributors',
    year: 2023,
    url: 'https://github.com/ggml-org/llama.cpp/pull/1684',
  },
  licence: 'Apache-2.0',
  params: v.strictObject({
    format: v.pipe(
      v.picklist(['q4', 'q3', 'q2']),
      v.description('Q4_K, Q3_K or Q2_K: 4, 3 or 2 bits per weight, and about 0.5 for scales.'),
    ),
    importance: v.optional(
      v.pipe(v.boolean(), v.description('Errors on inputs that are strong on calibration data count more.')),
      true,
    ),
    embedding: weightFormat.embedding,
  }),
  variants: {
    q4: { format: 'q4' },
    'q4-e4': { format: 'q4', embedding: 'int4' },
    'q4-plain': { format: 'q4', importance: false },
    q3: { format: 'q3' },
    'q3-e4': { format: 'q3', embedding: 'int4' },
    'q3-plain': { format: 'q3', importance: false },
    q2: { format: 'q2' },
    'q2-e4': { format: 'q2', embedding: 'int4' },
    'q2-plain': { format: 'q2', importance: false },
  },

  async compress(model, { params, calibration: { examples }, signal, note, progress }) {
    const count = positionCount(examples);
    const statistics = await inputStatistics({ model, examples, signal }, ['square-sum']);
    const { linears } = model;
    const layers = linears.map((linear, index) => {
      signal.throwIfAborted();
      const squares = present(statistics.get(linear.role), `statistics of ${linear.role}`).of('square-sum');
      const importance = squares.map((sum) => (params.importance ? sum / count : 1));
      const weight = superBlocks(model.weight(linear), { ...linear, importance, format: params.format });
      progress((index + 1) / linears.length);
      return { linear, weight };
    });
    const activations = params.format === 'q3' ? 'int8' : 'float32';
    new Set(layers.flatMap(({ weight }) => kernelRemark(weight.quantized, activations) ?? [])).forEach(note);
    const smaller = withSuperBlocks(model, layers, { activations });
    if (params.embedding === 'float') return smaller;
    return withQuantizedEmbedding(smaller, { bits: params.embedding === 'int4' ? 4 : 8, groupSize: 32, activations });
  },
});

export interface SuperBlockOptions extends WeightShape {
  /** [in] */
  readonly importance: Float64Array;
  readonly format: keyof typeof FORMATS;
}

/** weight: [in, out] */
export function superBlocks(weight: Float32Array, options: SuperBlockOptions): SuperBlockWeight {
  const { inFeatures, outFeatures, importance } = options;
  const format = FORMATS[options.format];
  const blockSize = blockSizeOf(format.block, inFeatures);
  const blocks = Math.ceil(inFeatures / blockSize);
  const together = blocksTogether(blocks, format.together);
  const supers = blocks / together;
  const coded = (signed: boolean): CodedBlocks => ({
    bits: format.scaleBits,
    signed,
    codes: new Uint8Array(outFeatures * blocks),
    factors: new Float32Array(outFeatures * supers),
  });
  const [scales, mins] = [coded(!format.minima), coded(false)];
  for (let out = 0; out < outFeatures; out++) {
    for (let at = 0; at < supers; at++) {
      const first = at * together * blockSize;
      const values = Float64Array.from(
        { length: Math.min(together * blockSize, inFeatures - first) },
        (_, i) => weight[(first + i) * outFeatures + out]!,
      );
      const fitted = fitSuperBlock(values, importance.subarray(first, first + values.length), { format, blockSize });
      scales.codes.set(fitted.scaleCodes, out * blocks + at * together);
      mins.codes.set(fitted.minCodes, out * blocks + at * together);
      scales.factors[out * supers + at] = fitted.scale;
      mins.factors[out * supers + at] = fitted.min;
    }
  }
  const grids = { scales: decodeBlocks(scales), mins: decodeBlocks(mins) };
  const { bits } = format;
  const middle = format.minima ? 0 : 2 ** (bits - 1);
  const codes = new Uint8Array(weight.length); // [out, in]
  for (let out = 0; out < outFeatures; out++) {
    for (let i = 0; i < inFeatures; i++) {
      const block = out * blocks + Math.floor(i / blockSize);
      const scale = grids.scales[block]!;
      const position = scale === 0 ? 0 : (weight[i * outFeatures + out]! + grids.mins[block]!) / scale;
      codes[out * inFeatures + i] = Math.min(Math.max(roundHalfToEven(position) + middle, 0), 2 ** bits - 1);
    }
  }
  const zeroPoints = format.minima
    ? grids.mins.map((min, block) => min / grids.scales[block]!)
    : new Uint8Array(scales.codes.length).fill(middle);
  const quantized = {
    inFeatures,
    outFeatures,
    bits,
    symmetric: !format.minima,
    blockSize,
    codes,
    scales: grids.scales,
    zeroPoints,
  };
  return { quantized, scales, ...(format.minima && { mins }) };
}

interface FittedSuperBlock {
  readonly scale: number;
  readonly min: number;
  readonly scaleCodes: readonly number[];
  readonly minCodes: readonly number[];
}

function fitSuperBlock(
  values: Float64Array,
  importance: Float64Array,
  { format, blockSize }: { readonly format: Format; readonly blockSize: number },
): FittedSuperBlock {
  const square = (format.spread * values.reduce((sum, value) => sum + value * value, 0)) / values.length;
  const weights = values.map((value, i) => importance[i]! * Math.sqrt(square + value * value));
  const starts = Array.from({ length: Math.ceil(values.length / blockSize) }, (_, block) => block * blockSize);
  const parts = starts.map((start) => ({
    x: values.subarray(start, start + blockSize),
    w: weights.subarray(start, start + blockSize),
  }));
  const sums = parts.map(({ w }) => w.reduce((sum, each) => sum + each, 0));
  const top = 2 ** format.scaleBits - 1;
  if (!format.minima) {
    const middle = 2 ** (format.scaleBits - 1);
    const found = parts.map(({ x, w }) => fitSigned(x, w, 2 ** (format.bits - 1)).scale);
    const { scale, codes } = fitSigned(found, sums, middle);
    return {
      scale: toFloat16(scale),
      min: 0,
      scaleCodes: codes.map((code) => code + middle),
      minCodes: codes.map(() => 0),
    };
  }
  const found = parts.map(({ x, w }) => fitWithMinimum(x, w, 2 ** format.bits - 1));
  const scales = fitPositive(
    found.map(({ scale }) => scale),
    sums,
    top,
  );
  const mins = fitPositive(
    found.map(({ min }) => min),
    sums,
    top,
  );
  const [scale, min] = [toFloat16(scales.scale), toFloat16(mins.scale)];
  // In a block of scale 0 every weight is the block's minimum. Code 0 gives that with any scale, and the zero point is
  // stored in units of the scale.
  const scaleCodes = scales.codes.map((code) => (scale === 0 ? 1 : Math.max(1, code)));
  return { scale: scale === 0 ? 1 : scale, min, scaleCodes, minCodes: mins.codes };
}

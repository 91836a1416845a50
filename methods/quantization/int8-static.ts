/**
 * Eight-bit integer arithmetic with activation ranges fixed beforehand from calibration data. No ranges are computed at
 * run time, but fixed ranges may not fit other inputs. Jacob et al. 2018, https://arxiv.org/abs/1712.05877, section 2,
 * without its training; ranges by minimum and maximum, by percentile, or by least divergence (Migacz 2017).
 * Weights, grids and ranges are those of onnxruntime.quantization.quantize_static(quant_format=QDQ); see
 * engine/calibrate/activation-ranges.ts. Differs from it: outputs of layers stay in float32 unless a variant says
 * otherwise.
 */
import * as v from 'valibot';
import { activationRanges, type RangeRule } from '../../engine/calibrate/activation-ranges.ts';
import { defineMethod } from '../../engine/definitions/method.ts';
import { withGraph } from '../../numerics/onnx/edit.ts';
import { quantizeInt8 } from '../shared/formats/int8-weight.ts';
import { withStaticIntegers } from '../shared/formats/static-int8.ts';

/** Levels of a uint8 grid. */
const LEVELS = 256;

export default defineMethod({
  id: 'int8-static',
  family: 'quantization',
  access: 'calibrated',
  revision: 2,
  description:
    'Multiplies 8-bit integers: weights are rounded once, and activations over a fixed range measured on calibration text. ' +
    'No range needs to be found at run time; the variants differ in how much of the rare extremes they clip. ' +
    'Norms, token embedding and output layer stay in floating point.',
  paper: {
    title: 'Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference',
    authors:
      'Benoit Jacob, Skirmantas Kligys, Bo Chen, Menglong Zhu, Matthew Tang, Andrew Howard, Hartwig Adam, Dmitry Kalenichenko',
    year: 2018,
    url: 'https://arxiv.org/abs/1712.05877',
  },
  licence: 'Apache-2.0',
  params: v.strictObject({
    ranges: v.pipe(
      v.picklist(['min-max', 'percentile', 'entropy']),
      v.description(
        'Range of an activation: minimum to maximum, a percentile, or the range whose rounding changes the distribution least (entropy).',
      ),
    ),
    percentile: v.optional(
      v.pipe(v.number(), v.gtValue(50), v.ltValue(100), v.description('Percent of the elements inside the range.')),
      99.99,
    ),
    granularity: v.optional(
      v.pipe(
        v.picklist(['tensor', 'channel']),
        v.description('One weight scale for a whole matrix, or one for each output feature.'),
      ),
      'channel',
    ),
    reducedRange: v.optional(
      v.pipe(
        v.boolean(),
        v.description('Weights take 7 bits, [-64, 64], so that 16-bit sums of products cannot overflow.'),
      ),
      false,
    ),
    outputs: v.optional(
      v.pipe(
        v.picklist(['float32', 'int8']),
        v.description('Output of a layer: float32, or quantized to 8 bits too, which makes the whole product integer.'),
      ),
      'float32',
    ),
  }),
  variants: {
    minmax: { ranges: 'min-max' },
    'minmax-tensor': { ranges: 'min-max', granularity: 'tensor' },
    'minmax-7bit': { ranges: 'min-max', reducedRange: true },
    'minmax-outputs': { ranges: 'min-max', outputs: 'int8' },
    'percentile-9999': { ranges: 'percentile' },
    'percentile-999': { ranges: 'percentile', percentile: 99.9 },
    entropy: { ranges: 'entropy' },
    'entropy-outputs': { ranges: 'entropy', outputs: 'int8' },
  },

  async compress(model, { params, calibration, signal, progress }) {
    const { linears } = model;
    const values = new Set(linears.map(({ input }) => input));
    if (params.outputs === 'int8') for (const { output } of linears) values.add(output);
    const { examples } = calibration;
    const ranges = await activationRanges({ model, examples, values: [...values], rule: ruleOf(params), signal });
    const layers = linears.map((linear, index) => {
      signal.throwIfAborted();
      progress((index + 1) / linears.length);
      return { linear, weight: quantizeInt8(model.weight(linear), { ...linear, ...params }) };
    });
    return model.withOnnx(withGraph(model.onnx, withStaticIntegers(model.onnx.graph, layers, ranges)));
  },
});

function ruleOf(params: { readonly ranges: RangeRule['kind']; readonly percentile: number }): RangeRule {
  switch (params.ranges) {
    case 'min-max':
      return { kind: 'min-max' };
    case 'percentile':
      return { kind: 'percentile', percentile: params.percentile };
    case 'entropy':
      return { kind: 'entropy', levels: LEVELS };
  }
}

/**
 * Removes whole layers in one shot: those that change the direction of the residual stream least.
 * Men et al. 2024 (ShortGPT), https://arxiv.org/abs/2403.03853, equation 1, over all positions of the calibration data:
 *   BI_l = 1 − E[cos(h_l, h_l+1)]        h_l is the input of layer l, h_l+1 its output
 * All influences are computed in one pass over the dense model, as in the paper.
 */
import * as v from 'valibot';
import { defineMethod, type Example } from '../../engine/definitions/method.ts';
import type { Model } from '../../engine/definitions/model.ts';
import { captureValues } from '../../engine/runtime/capture.ts';
import { elements } from '../../numerics/tensor/tensor.ts';
import { keepLayers } from '../shared/surgery/structure.ts';
import { depthParameter, keptCount, requireSeveralLayers } from '../shared/training/student.ts';

export default defineMethod({
  id: 'layer-drop',
  family: 'pruning',
  access: 'calibrated',
  revision: 2,
  description:
    'Removes whole layers: those whose output has the highest cosine similarity to their input on calibration data. ' +
    'No correction follows. The network becomes smaller and faster on any machine. ' +
    'The variants -last and -random are controls: they remove the last layers or random ones.',
  paper: {
    title: 'ShortGPT: Layers in Large Language Models are More Redundant Than You Expect',
    authors: 'Xin Men, Mingyu Xu, Qingyu Zhang, Bingning Wang, Hongyu Lin, Yaojie Lu, Xianpei Han, Weipeng Chen',
    year: 2024,
    url: 'https://arxiv.org/abs/2403.03853',
  },
  licence: 'Apache-2.0',
  params: v.strictObject({
    depth: depthParameter,
    drop: v.optional(
      v.pipe(
        v.picklist(['least-influence', 'last', 'random']),
        v.description('Which layers go: those of least block influence, the last ones, or random ones.'),
      ),
      'least-influence',
    ),
  }),
  variants: {
    d75: { depth: 0.75 },
    d50: { depth: 0.5 },
    d25: { depth: 0.25 },
    'd75-last': { depth: 0.75, drop: 'last' },
    'd50-last': { depth: 0.5, drop: 'last' },
    'd25-last': { depth: 0.25, drop: 'last' },
    'd75-random': { depth: 0.75, drop: 'random' },
    'd50-random': { depth: 0.5, drop: 'random' },
    'd25-random': { depth: 0.25, drop: 'random' },
  },

  async compress(model, { params: { depth, drop }, calibration, random, signal, note }) {
    signal.throwIfAborted();
    requireSeveralLayers(model);
    const order = [...model.roles.layers.keys()]; // keeps the first ones
    const count = keptCount(order.length, depth);
    if (drop === 'least-influence') {
      const influence = await blockInfluence(model, calibration.examples, signal);
      order.sort((a, b) => influence[b]! - influence[a]!);
      note(
        `block influence of layers 0 to ${order.length - 1}: ${influence.map((each) => each.toFixed(3)).join(', ')}`,
      );
    }
    const kept = (drop === 'random' ? random.shuffle(order) : order).slice(0, count).sort((a, b) => a - b);
    note(`layers that stay: ${kept.join(', ')}`);
    return keepLayers(model, kept);
  },
});

/** 1 − mean cosine of the input and output of each layer, over all positions; in float64. */
export async function blockInfluence(
  { onnx, roles: { layers, width } }: Model,
  examples: readonly Example[],
  signal: AbortSignal,
): Promise<readonly number[]> {
  const sums = layers.map(() => 0);
  let positions = 0;
  const visit = (captured: Parameters<Parameters<typeof captureValues>[0]['visit']>[0]) => {
    const states = (value: string) => elements(captured[value]!, 'float32'); // [positions, width]
    for (const [index, { input, output }] of layers.entries())
      sums[index]! += cosines(states(input), states(output), width);
    positions += states(layers[0]!.input).length / width;
  };
  const values = [...new Set(layers.flatMap(({ input, output }) => [input, output]))];
  await captureValues({ model: onnx, values, examples, visit, signal });
  return sums.map((sum) => 1 - sum / positions);
}

/** Sum of the cosines of rows of a and b, [rows, width] each. */
function cosines(a: Float32Array, b: Float32Array, width: number): number {
  let sum = 0;
  for (let start = 0; start < a.length; start += width) {
    let [ab, aa, bb] = [0, 0, 0];
    for (let at = start; at < start + width; at++) {
      ab += a[at]! * b[at]!;
      aa += a[at]! * a[at]!;
      bb += b[at]! * b[at]!;
    }
    sum += ab / Math.sqrt(aa * bb);
  }
  return sum;
}

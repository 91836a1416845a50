/**
 * Removes a run of consecutive layers in one shot: the run over which the residual stream changes direction least.
 * Gromov et al. 2025, https://arxiv.org/abs/2403.17887, equation 6 and the algorithm of section 3.2, without its
 * healing:
 *   d(l, n) = E[arccos(cos(h_l, h_l+n))] / π,   removes the layers l … l + n − 1 with the smallest d(l, n)
 * h_l is the input of layer l. Differs from the paper: all positions count, not only the last of each text.
 */
import * as v from 'valibot';
import { present } from '../../contracts/present.ts';
import { defineMethod, type Example } from '../../engine/definitions/method.ts';
import type { Model } from '../../engine/definitions/model.ts';
import { captureValues } from '../../engine/runtime/capture.ts';
import { elements } from '../../numerics/tensor/tensor.ts';
import { keepLayers } from '../shared/surgery/structure.ts';
import { depthParameter, keptCount, requireSeveralLayers } from '../shared/training/student.ts';

export default defineMethod({
  id: 'consecutive-layers',
  family: 'pruning',
  access: 'calibrated',
  revision: 2,
  description:
    'Removes a run of consecutive layers, the one whose output has the smallest angle to its input on calibration data; layer-drop measures each layer by itself. ' +
    'No correction follows. ' +
    'The network becomes smaller and faster on any machine.',
  paper: {
    title: 'The Unreasonable Ineffectiveness of the Deeper Layers',
    authors: 'Andrey Gromov, Kushal Tirumala, Hassan Shapourian, Paolo Glorioso, Daniel A. Roberts',
    year: 2025,
    url: 'https://arxiv.org/abs/2403.17887',
  },
  licence: 'Apache-2.0',
  params: v.strictObject({ depth: depthParameter }),
  variants: {
    d90: { depth: 0.9 },
    d75: { depth: 0.75 },
    d60: { depth: 0.6 },
    d50: { depth: 0.5 },
    d25: { depth: 0.25 },
  },

  async compress(model, { params: { depth }, calibration, signal, note }) {
    requireSeveralLayers(model);
    const all = [...model.roles.layers.keys()];
    const removed = all.length - keptCount(all.length, depth);
    const distances = await angularDistances(model, { removed, examples: calibration.examples, signal });
    const first = distances.indexOf(Math.min(...distances));
    note(`angular distance over ${removed} layers from each: ${distances.map((each) => each.toFixed(3)).join(', ')}`);
    const kept = all.filter((layer) => layer < first || layer >= first + removed);
    note(`layers that stay: ${kept.join(', ')}`);
    return keepLayers(model, kept);
  },
});

/** d(l, removed) for each layer l at which a run can begin, in [0, 1]; in float64. */
export async function angularDistances(
  { onnx, roles: { layers, width } }: Model,
  {
    removed,
    examples,
    signal,
  }: { readonly removed: number; readonly examples: readonly Example[]; readonly signal: AbortSignal },
): Promise<readonly number[]> {
  const runs = layers.slice(0, layers.length - removed + 1).map(({ input }, first) => ({
    from: input,
    to: present(layers[first + removed - 1], 'last layer of a run').output,
  }));
  const sums = runs.map(() => 0);
  let positions = 0;
  await captureValues({
    model: onnx,
    values: [...new Set(runs.flatMap(({ from, to }) => [from, to]))],
    examples,
    visit(captured) {
      const states = (value: string) => elements(present(captured[value], value), 'float32'); // [positions, width]
      for (const [index, { from, to }] of runs.entries()) sums[index]! += angles(states(from), states(to), width);
      positions += states(runs[0]!.from).length / width;
    },
    signal,
  });
  return sums.map((sum) => sum / (Math.PI * positions));
}

/** Sum of the angles between rows of a and b, [rows, width] each. */
function angles(a: Float32Array, b: Float32Array, width: number): number {
  let sum = 0;
  for (let start = 0; start < a.length; start += width) {
    let [ab, aa, bb] = [0, 0, 0];
    for (let at = start; at < start + width; at++) {
      ab += a[at]! * b[at]!;
      aa += a[at]! * a[at]!;
      bb += b[at]! * b[at]!;
    }
    sum += Math.acos(Math.min(1, Math.max(-1, ab / Math.sqrt(aa * bb))));
  }
  return sum;
}

/**
 * Visits the layers of a compressed model in the order of data flow and passes, for each linear layer, its current
 * inputs and its target outputs: the output of the same layer in the dense model, or the output that restores the dense
 * model's residual stream.
 * A change of one layer is visible in the inputs of all that follow.
 */
import { outputMoments, type Reconstruction, reconstructionMoments } from '../../../engine/calibrate/reconstruction.ts';
import type { Example } from '../../../engine/definitions/method.ts';
import type { LayerRoles, LinearRole, Model } from '../../../engine/definitions/model.ts';

export interface RebuiltLayer {
  readonly dense: LayerRoles;
  readonly compressed: LayerRoles;
}

export interface Rebuilding {
  readonly dense: Model;
  readonly compressed: Model;
  readonly layers: readonly RebuiltLayer[];
  readonly examples: readonly Example[];
  readonly signal: AbortSignal;
  progress(share: number): void;
  /** Which linear layers to change; the others cost nothing. Default: all. */
  readonly chosen?: (linear: LinearRole) => boolean;
  /** Returns the model with this layer changed; its values keep their names. */
  rebuild(model: Model, linear: LinearRole, moments: Reconstruction): Promise<Model>;
}

export async function rebuildLayers(options: Rebuilding): Promise<Model> {
  const { dense, layers, examples, signal, progress, chosen = () => true, rebuild } = options;
  let { compressed } = options;
  for (const [done, layer] of layers.entries()) {
    for (const { kinds, writes } of STAGES) {
      const linears = kinds.flatMap((kind) => {
        const [before, now] = [layer.dense[kind], layer.compressed[kind]];
        return before && now && chosen(now) ? [{ dense: before, compressed: now }] : [];
      });
      if (linears.length === 0) continue;
      signal.throwIfAborted();
      const run = { dense, compressed, examples, signal };
      const moments = writes
        ? [await reconstructionMoments({ ...run, linear: linears[0]! })]
        : await outputMoments({ ...run, linears });
      for (const [index, linear] of linears.entries()) {
        compressed = await rebuild(compressed, linear.compressed, moments[index]!);
      }
    }
    progress((done + 1) / layers.length);
  }
  return compressed;
}

/**
 * The linear layers of a block in groups that do not depend on each other, in order; `writes`: to the residual stream.
 */
const STAGES = [
  { kinds: ['q', 'k', 'v'], writes: false },
  { kinds: ['o'], writes: true },
  { kinds: ['gate', 'up'], writes: false },
  { kinds: ['down'], writes: true },
] as const;

/**
 * Walks through the layers of a compressed model in the order data flows and hands over, for each linear layer, what it gets
 * by now and what it should give: the output of its counterpart in the dense model, or what brings the residual stream back
 * to that of dense. Whatever is changed for one layer is in the inputs of all that follow.
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
  /** Linear layers that are not to be changed cost nothing. Default: all are. */
  readonly chosen?: (linear: LinearRole) => boolean;
  /** The model with this layer changed; its values keep their names. */
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

/** The linear layers of a block that do not depend on each other, in order; `writes`: to the residual stream. */
const STAGES = [
  { kinds: ['q', 'k', 'v'], writes: false },
  { kinds: ['o'], writes: true },
  { kinds: ['gate', 'up'], writes: false },
  { kinds: ['down'], writes: true },
] as const;

/**
 * One-shot pruning, then recovery by low-rank adapters that are merged into the remaining weights: y = x (W + M ∘ A B),
 * where M is 0 for every pruned weight. The artifact contains the improved weights and no adapters.
 * Zimmer et al. 2023 (PERP), https://arxiv.org/abs/2312.15230, "MaskLoRA", with masks and weights of SparseGPT
 * (methods/shared/solvers/sparsegpt-layer.ts). Only the adapters are trained.
 * Differs from the paper: biases and norms are not trained.
 */
import * as v from 'valibot';
import { compressLayerByLayer } from '../../engine/calibrate/layer-by-layer.ts';
import { defineMethod } from '../../engine/definitions/method.ts';
import { addLora } from '../../engine/training/lora.ts';
import { adapterParameters } from '../shared/training/adapter.ts';
import { budgetParameters, fineTune } from '../shared/training/fine-tune.ts';
import { ladder } from '../shared/training/ladder.ts';
import { dampingParameter } from '../shared/solvers/inverse-factor.ts';
import { sparsegptLayer } from '../shared/solvers/sparsegpt-layer.ts';
import { sparsityParameter } from '../shared/solvers/sparsity.ts';
import { maskBlockParameter } from '../shared/solvers/sweep-mask.ts';

export default defineMethod({
  id: 'prune-lora',
  family: 'combined',
  access: 'trained',
  revision: 2,
  description:
    'Prunes the linear layers in one shot, trains low-rank adapters beside the remaining weights and merges them into those weights. ' +
    'The file is as small as after pruning alone; only the adapters, a fraction of the model, need gradients and optimizer state. ' +
    'Embedding, norms and output layer stay as they are.',
  paper: {
    title: 'PERP: Rethinking the Prune-Retrain Paradigm in the Era of LLMs',
    authors: 'Max Zimmer, Megi Andoni, Christoph Spiegel, Sebastian Pokutta',
    year: 2023,
    url: 'https://arxiv.org/abs/2312.15230',
  },
  licence: 'Apache-2.0',
  params: v.strictObject({
    sparsity: sparsityParameter,
    ...adapterParameters,
    damping: dampingParameter,
    blockSize: maskBlockParameter,
    ...budgetParameters,
  }),
  variants: ladder({
    's50-r8': { sparsity: 0.5, rank: 8 },
    's70-r8': { sparsity: 0.7, rank: 8 },
    '2-of-4-r8': { sparsity: '2:4', rank: 8 },
    's50-r32': { sparsity: 0.5, rank: 32 },
  }),

  async compress(model, context) {
    const { params, calibration, signal, random } = context;
    const { linears } = model;
    const pruned = await compressLayerByLayer({
      model,
      examples: calibration.examples,
      statistics: ['second-moment'],
      signal,
      // The progress bar covers the training only.
      progress: () => undefined,
      compressLinear: ({ role: where, inFeatures, outFeatures }, weight, statistics) => {
        const moment = statistics.of('second-moment');
        return sparsegptLayer({ weight, moment, inFeatures, outFeatures, where, signal, ...params });
      },
    });
    const masks = new Map(
      linears.map((linear) => [linear.weight, pruned.weight(linear).map((value) => (value === 0 ? 0 : 1))]),
    );
    const lora = addLora({ model: pruned.onnx, linears, rank: params.rank, alpha: params.alpha, random, masks });
    const { parameters } = await fineTune(context, { model, onnx: lora.model, parameters: lora.parameters });
    return model.withOnnx(lora.merge(parameters));
  },
});

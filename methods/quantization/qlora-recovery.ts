/**
 * Recovery of a quantized model by adapters: the rounded weights are frozen, and low-rank adapters beside them are
 * trained in float32 and stay in the artifact, y = x Q(W) + (α / r) (x A) B.
 * Dettmers et al. 2023 (QLoRA), https://arxiv.org/abs/2305.14314: a base in NF4 with double quantization, gradients
 * through the rounded weights into the adapters of all linear layers. Other bases have 4, 3 and 2 evenly spaced bits; 2
 * bits lose most.
 * Adapters initialized with the rounding error, A B ≈ W − Q(W), are Li et al. 2023 (LoftQ),
 * https://arxiv.org/abs/2310.08659, Algorithm 1 with one iteration.
 * Differs from the papers: adapters are stored in float16; no dropout; the base is dequantized once for the training.
 */
import * as v from 'valibot';
import { defineMethod } from '../../engine/definitions/method.ts';
import type { LinearRole, Model } from '../../engine/definitions/model.ts';
import { tensorOf } from '../../numerics/tensor/tensor.ts';
import { addLora } from '../../engine/training/lora.ts';
import { withParameters } from '../../engine/training/parameters.ts';
import { adapterParameters } from '../shared/training/adapter.ts';
import { budgetParameters, fineTune } from '../shared/training/fine-tune.ts';
import { ladder } from '../shared/training/ladder.ts';
import { type Factors, truncate } from '../shared/solvers/low-rank.ts';
import { withLowRankBranches } from '../shared/formats/low-rank-branch.ts';
import { dequantizeBnb4, quantizeBnb4, withBnb4Linears } from '../shared/formats/matmul-bnb4.ts';
import { dequantizeWeight, quantizeWeight, withQuantizedLinears } from '../shared/formats/matmul-nbits.ts';
import { kernelRemark } from '../shared/formats/weight-format.ts';

/** Block size of the paper, with its double quantization. */
const NF4 = { type: 'nf4', blockSize: 64, nested: true } as const;
const GRIDS = {
  w4g32: { bits: 4, groupSize: 32, symmetric: true },
  w3g32: { bits: 3, groupSize: 32, symmetric: true },
  w2g32: { bits: 2, groupSize: 32, symmetric: true },
} as const;
/** Kernel precision of round-to-nearest and related methods, to which these bases belong. */
const ACTIVATIONS = 'int8';
type Base = 'nf4' | keyof typeof GRIDS;

export default defineMethod({
  id: 'qlora-recovery',
  family: 'quantization',
  access: 'trained',
  revision: 2,
  description:
    'Rounds the weights of the linear layers, freezes them, and trains low-rank adapters beside them that compensate for the rounding error. ' +
    'The adapters stay in the file and cost a little time; only the adapters, a fraction of the model, need gradients and optimizer state. ' +
    'Token embedding, norms and output layer stay as they are.',
  paper: {
    title: 'QLoRA: Efficient Finetuning of Quantized LLMs',
    authors: 'Tim Dettmers, Artidoro Pagnoni, Ari Holtzman, Luke Zettlemoyer',
    year: 2023,
    url: 'https://arxiv.org/abs/2305.14314',
  },
  licence: 'Apache-2.0',
  params: v.strictObject({
    base: v.pipe(
      v.picklist(['nf4', 'w4g32', 'w3g32', 'w2g32']),
      v.description('How the frozen weights are rounded: NormalFloat, or evenly to 4, 3 or 2 bits in groups of 32.'),
    ),
    ...adapterParameters,
    start: v.optional(
      v.pipe(
        v.picklist(['zero', 'error']),
        v.description('Adapters start at zero, or at the low-rank approximation of the rounding error.'),
      ),
      'zero',
    ),
    ...budgetParameters,
  }),
  variants: ladder({
    'nf4-r8': { base: 'nf4', rank: 8 },
    'w3g32-r4': { base: 'w3g32', rank: 4 },
    'w2g32-r8': { base: 'w2g32', rank: 8 },
    'w2g32-r8-error': { base: 'w2g32', rank: 8, start: 'error' },
  }),

  async compress(model, context) {
    const { base, rank, alpha, start } = context.params;
    const rounded = roundedBase(model, base);
    const lora = addLora({ model: rounded.dense.onnx, linears: model.linears, rank, alpha, random: context.random });
    const scale = alpha / rank;
    const onnx =
      start === 'zero'
        ? lora.model
        : withParameters(lora.model, await errorFactors({ model, rounded: rounded.dense, rank, scale }));
    const { parameters } = await fineTune(context, { model, onnx, parameters: lora.parameters });
    if (rounded.remark !== undefined) context.note(rounded.remark);
    const branches = model.linears.map((linear) => {
      const [downName, upName] = adapterNames(linear);
      const [down, up] = [parameters.get(downName)!, parameters.get(upName)!];
      return { linear, factors: { rank, down: down.map((value) => scale * value), up } };
    });
    return withLowRankBranches(rounded.packed, branches);
  },
});

/** Names as in engine/training/lora.ts. */
const adapterNames = ({ weight }: LinearRole) => [`${weight}.lora_a`, `${weight}.lora_b`] as const;

export interface RoundedBase {
  /** The model with the dequantized base weights, for training. */
  readonly dense: Model;
  /** The model in its stored format. */
  readonly packed: Model;
  readonly remark: string | undefined;
}

export function roundedBase(model: Model, base: Base): RoundedBase {
  const replaced = (weights: readonly Float32Array[]) =>
    model.linears.reduce((current, linear, at) => {
      const dims = [linear.inFeatures, linear.outFeatures];
      return current.withWeight(linear, tensorOf('float32', dims, weights[at]!));
    }, model);
  if (base === 'nf4') {
    const layers = model.linears.map((linear) => ({
      linear,
      quantized: quantizeBnb4(model.weight(linear), { ...linear, ...NF4 }),
    }));
    const dense = replaced(layers.map(({ quantized }) => dequantizeBnb4(quantized)));
    return { dense, packed: withBnb4Linears(model, layers), remark: undefined };
  }
  const layers = model.linears.map((linear) => ({
    linear,
    quantized: quantizeWeight(model.weight(linear), { ...linear, ...GRIDS[base] }),
  }));
  const dense = replaced(layers.map(({ quantized }) => dequantizeWeight(quantized)));
  const remarks = layers.flatMap(({ quantized }) => kernelRemark(quantized, ACTIVATIONS) ?? []);
  return { dense, packed: withQuantizedLinears(model, layers, { activations: ACTIVATIONS }), remark: remarks[0] };
}

/** A and B by name, with (α / r) A B the best approximation of W − Q(W). */
async function errorFactors(options: {
  readonly model: Model;
  readonly rounded: Model;
  readonly rank: number;
  readonly scale: number;
}): Promise<ReadonlyMap<string, Float32Array>> {
  const { model, rounded, rank, scale } = options;
  const start = new Map<string, Float32Array>();
  for (const linear of model.linears) {
    const base = rounded.weight(linear);
    const error = model.weight(linear).map((value, at) => value - base[at]!);
    const { down, up }: Factors = await truncate(error, linear, rank);
    const [a, b] = adapterNames(linear);
    start
      .set(
        a,
        down.map((value) => value / scale),
      )
      .set(b, up);
  }
  return start;
}

/**
 * Low-rank adapters: y = x W + (α / r) (x A) B with W frozen, merged into W afterwards.
 * Hu et al. 2021, https://arxiv.org/abs/2106.09685, with the paper's A and B transposed to ONNX's [in, out].
 * For a pruned W the update can be masked, y = x (W + (α / r) M ∘ A B), so that zeros stay zero: MaskLoRA of Zimmer et
 * al. 2023, https://arxiv.org/abs/2312.15230.
 */
import { InputError } from '../../contracts/errors.ts';
import type { LinearRole } from '../definitions/model.ts';
import { findNode, replaceInitializer, withGraph } from '../../numerics/onnx/edit.ts';
import type { OnnxModel } from '../../numerics/onnx/graph.ts';
import type { Random } from '../../numerics/tensor/random.ts';
import { elements, tensorOf } from '../../numerics/tensor/tensor.ts';
import { extendModel } from './graph-writer.ts';

type Linear = Pick<LinearRole, 'node' | 'weight' | 'input' | 'output' | 'inFeatures' | 'outFeatures'>;

export interface LoraOptions {
  readonly model: OnnxModel;
  readonly linears: readonly Linear[];
  readonly rank: number;
  /** The update is scaled by alpha / rank; default alpha = rank. */
  readonly alpha?: number;
  readonly random: Random;
  /**
   * By name of a weight: 1 where it may change and 0 where not, [in, out]; a weight without a mask changes everywhere.
   */
  readonly masks?: ReadonlyMap<string, Float32Array>;
}

export interface Lora {
  /** The model to train. */
  readonly model: OnnxModel;
  /** The adapters' weights, for the option `parameters` of train(). */
  readonly parameters: readonly string[];
  /** The model without adapters, W + (α / r) A B in place of W; `trained` holds the adapters' values by name. */
  merge(trained: ReadonlyMap<string, Float32Array>): OnnxModel;
}

/** A is Gaussian with variance 1 / in and B is zero, so that the adapted model initially equals the original. */
export function addLora({ model, linears, rank, alpha = rank, random, masks }: LoraOptions): Lora {
  if (!Number.isInteger(rank) || rank < 1)
    throw new InputError(`lora: rank must be a whole number from 1, got ${rank}`);
  const w = extendModel(model, 'lora/');
  const names = linears.map(({ node, weight, input, output, inFeatures, outFeatures }) => {
    const { op, inputs } = findNode(model.graph, node);
    if (op !== 'MatMul' || inputs[1] !== weight) {
      throw new InputError(`lora: node "${node}" is a ${op} of "${inputs[1]}", expected MatMul of "${weight}"`);
    }
    const stream = random.fork(`lora/${weight}`);
    const deviation = 1 / Math.sqrt(inFeatures);
    const start = Float32Array.from({ length: inFeatures * rank }, () => deviation * stream.normal());
    const a = w.initializer(`${weight}.lora_a`, tensorOf('float32', [inFeatures, rank], start));
    const b = w.initializer(
      `${weight}.lora_b`,
      tensorOf('float32', [rank, outFeatures], new Float32Array(rank * outFeatures)),
    );
    const scaled = (value: string) => (alpha === rank ? value : w.mul(value, w.scalar(alpha / rank)));
    const mask = masks?.get(weight);
    if (mask === undefined) {
      w.wrap(output, (inner) => w.add(inner, w.matmul(scaled(w.matmul(input, a)), b)));
    } else {
      const kept = w.initializer(`${weight}.lora_mask`, tensorOf('float32', [inFeatures, outFeatures], mask));
      w.wrap(weight, (inner) => w.add(inner, w.mul(w.matmul(scaled(a), b), kept)));
    }
    return { weight, a, b, mask };
  });
  return {
    model: w.finish(),
    parameters: names.flatMap(({ a, b }) => [a, b]),
    merge(trained) {
      let { graph } = model;
      for (const { weight, a, b, mask } of names) {
        const [left, right, old] = [trained.get(a), trained.get(b), graph.initializers.get(weight)];
        if (left === undefined || right === undefined || old === undefined) {
          throw new InputError(
            `lora: no trained values for the adapter of "${weight}"; pass the parameters of train's result`,
          );
        }
        const merged = addProduct(elements(old, 'float32'), { left, right, rank, scale: alpha / rank });
        if (mask !== undefined) {
          const before = elements(old, 'float32');
          for (let at = 0; at < merged.length; at++) if (mask[at] === 0) merged[at] = before[at]!;
        }
        graph = replaceInitializer(graph, weight, tensorOf('float32', old.dims, merged));
      }
      return withGraph(model, graph);
    },
  };
}

/** base + scale · left · right, summed in float64. base: [in, out], left: [in, rank], right: [rank, out] */
function addProduct(
  base: Float32Array,
  { left, right, rank, scale }: { left: Float32Array; right: Float32Array; rank: number; scale: number },
): Float32Array {
  const columns = right.length / rank;
  const result = new Float32Array(base.length);
  const row = new Float64Array(columns);
  for (let i = 0; i < base.length / columns; i++) {
    row.fill(0);
    for (let k = 0; k < rank; k++) {
      const factor = scale * left[i * rank + k]!;
      for (let j = 0; j < columns; j++) row[j] = row[j]! + factor * right[k * columns + j]!;
    }
    for (let j = 0; j < columns; j++) result[i * columns + j] = base[i * columns + j]! + row[j]!;
  }
  return result;
}

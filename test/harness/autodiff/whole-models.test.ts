/** Gradients of whole models: against PyTorch's (test/golden/scripts/autodiff.py) and against central differences. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { gradientGraph, reachedBy } from '../../../harness/autodiff/gradient.ts';
import { readModel } from '../../../harness/onnx/read.ts';
import type { OnnxModel } from '../../../harness/onnx/graph.ts';
import { createSession } from '../../../harness/runtime/session.ts';
import { createRandom } from '../../../harness/tensor/random.ts';
import { elementCount, elements, type NumericTensor, type Tensor, tensorOf } from '../../../harness/tensor/tensor.ts';
import { tinyLlama } from '../../support/tiny-model.ts';
import { withCrossEntropy } from '../../support/training-loss.ts';
import { buildDecoder, buildEncoder, type Parameter, SIZES, transposed, weightAt } from './transformers.ts';

const golden = new URL('../../golden/', import.meta.url);

interface Golden {
  readonly ids: readonly (readonly number[])[];
  readonly mask?: readonly (readonly number[])[];
  readonly labels: readonly unknown[];
  readonly loss: number;
  readonly parameters: readonly (Parameter & { readonly gradient: readonly number[] })[];
}

const int64 = (dims: readonly number[], values: readonly number[]): NumericTensor =>
  tensorOf('int64', dims, BigInt64Array.from(values, BigInt));

async function run(model: OnnxModel, feeds: Readonly<Record<string, Tensor>>): Promise<Record<string, Float32Array>> {
  const session = await createSession(model, { threads: 1 });
  const results = await session.run(feeds);
  await session.release();
  return Object.fromEntries(Object.entries(results).map(([name, tensor]) => [name, elements(tensor, 'float32')]));
}

function largest(values: Iterable<number>): number {
  let found = 0;
  for (const value of values) found = Math.max(found, Math.abs(value));
  return found;
}

/**
 * The initializers that hold a parameter, by their values: exporters rename and transpose, and store a tied embedding once
 * for each reader, so that its gradient is the sum of theirs.
 */
function holders(model: OnnxModel, values: Float32Array): readonly string[] {
  const same = (tensor: Tensor): boolean =>
    tensor.dtype === 'float32' &&
    elementCount(tensor.dims) === values.length &&
    elements(tensor, 'float32').every((value, at) => value === values[at]);
  return [...model.graph.initializers].filter(([, tensor]) => same(tensor)).map(([name]) => name);
}

const encoder = JSON.parse(readFileSync(new URL('autodiff-encoder.json', golden), 'utf8')) as Golden;
const decoder = JSON.parse(readFileSync(new URL('autodiff-decoder.json', golden), 'utf8')) as Golden;
const exported = (name: string): OnnxModel => readModel(readFileSync(new URL(`autodiff-${name}.onnx`, golden)));

const MODELS: readonly { readonly name: string; readonly expected: Golden; readonly model: () => OnnxModel }[] = [
  { name: 'encoder, fused', expected: encoder, model: () => buildEncoder(encoder.parameters, { fused: true }) },
  { name: 'encoder, primitives', expected: encoder, model: () => buildEncoder(encoder.parameters, { fused: false }) },
  { name: 'encoder traced by torch, opset 17', expected: encoder, model: () => exported('encoder-script-17') },
  { name: 'encoder by torch.export, opset 21', expected: encoder, model: () => exported('encoder-dynamo-21') },
  { name: 'decoder, fused', expected: decoder, model: () => buildDecoder(decoder.parameters, { fused: true }) },
  { name: 'decoder, primitives', expected: decoder, model: () => buildDecoder(decoder.parameters, { fused: false }) },
  { name: 'decoder traced by torch, opset 17', expected: decoder, model: () => exported('decoder-script-17') },
  { name: 'decoder by torch.export, opset 21', expected: decoder, model: () => exported('decoder-dynamo-21') },
];

const { vocabulary, classes, length } = SIZES;

/** Largest difference from PyTorch's gradient over the largest element of it, over all parameters; the loss's likewise. */
async function distanceFromTorch(given: OnnxModel, expected: Golden, contrib: boolean): Promise<number> {
  const dims = expected === encoder ? [2, classes] : [2, length, vocabulary];
  const model = withCrossEntropy(given, { logits: 'logits', dims });
  const feeds: Record<string, NumericTensor> = {
    ids: int64([2, length], expected.ids.flat()),
    ...(expected.mask && { mask: int64([2, length], expected.mask.flat()) }),
    labels: int64([expected.labels.flat().length], expected.labels.flat() as readonly number[]),
  };
  const found = expected.parameters.map((parameter, index) => {
    const values = Float32Array.from({ length: elementCount(parameter.dims) }, (_, at) =>
      weightAt(parameter, index, at),
    );
    const turned = parameter.dims.length === 2 ? holders(given, transposed(values, parameter.dims)) : [];
    return { parameter, plain: holders(given, values), turned };
  });
  const inputs = Object.fromEntries(Object.entries(feeds).map(([name, { dims: shape }]) => [name, shape]));
  const targets = [...new Set(found.flatMap(({ plain, turned }) => [...plain, ...turned]))];
  const { model: backward, gradients } = gradientGraph({ model, inputs, loss: 'loss', targets, contrib });
  const results = await run(backward, feeds);
  const gradientOf = (name: string): Float32Array => results[gradients.get(name) as string] as Float32Array;
  let worst = Math.abs((results['loss']?.[0] ?? Number.NaN) - expected.loss) / expected.loss;
  for (const { parameter, plain, turned } of found) {
    if (plain.length + turned.length === 0) throw new Error(`parameter ${parameter.name} is not in the graph`);
    const back = parameter.dims.toReversed();
    const parts = [...plain.map(gradientOf), ...turned.map((name) => transposed(gradientOf(name), back))];
    const wanted = parameter.gradient;
    const distances = wanted.map((value, at) => value - parts.reduce((sum, part) => sum + (part[at] as number), 0));
    // Key biases move no probability: their gradient is rounding noise on both sides.
    worst = Math.max(worst, largest(distances) / Math.max(largest(wanted), 1e-3));
  }
  return worst;
}

describe('gradients of whole models agree with PyTorch', () => {
  for (const { name, expected, model } of MODELS) {
    for (const contrib of [true, false]) {
      it(`${name}${contrib ? '' : ', standard operators alone'}`, async () => {
        const distance = await distanceFromTorch(model(), expected, contrib);
        if (process.env['SHOW_DISTANCES']) console.log(name, contrib, distance.toExponential(1));
        expect(distance).toBeLessThan(1e-4);
      });
    }
  }
});

/** The model with initializers as inputs. */
function withInputs(model: OnnxModel, weights: ReadonlyMap<string, NumericTensor>): OnnxModel {
  const { graph } = model;
  const infos = [...weights].map(
    ([name, { dtype, dims }]) => ({ name, type: { kind: 'tensor', dtype, dims } }) as const,
  );
  const initializers = new Map([...graph.initializers].filter(([name]) => !weights.has(name)));
  return { ...model, graph: { ...graph, initializers, inputs: [...graph.inputs, ...infos] } };
}

describe('gradients of a Llama', () => {
  it('agree with central differences at random parameters', async () => {
    const model = withCrossEntropy(tinyLlama().onnx, { logits: 'logits', dims: [2, 6, 64] });
    const feeds = {
      input_ids: int64(
        [2, 6],
        Array.from({ length: 12 }, (_, at) => (at * 29 + 3) % 64),
      ),
      labels: int64(
        [12],
        Array.from({ length: 12 }, (_, at) => (at * 17 + 5) % 64),
      ),
    };
    const inputs = { input_ids: [2, 6] };
    const targets = reachedBy({ model, inputs, loss: 'loss' }).filter((name) => name.endsWith('weight'));
    const gradient = gradientGraph({ model, inputs, loss: 'loss', targets });
    expect(targets).toHaveLength(2 + 2 * 9);
    const results = await run(gradient.model, feeds);
    const random = createRandom('llama parameters');
    const weights = new Map(targets.map((name) => [name, model.graph.initializers.get(name) as NumericTensor]));
    const session = await createSession(withInputs(model, weights), { threads: 1 });
    for (const [target, tensor] of weights) {
      const values = elements(tensor, 'float32');
      const found = results[gradient.gradients.get(target) as string] as Float32Array;
      // Along a random direction the slope is a sum over many parameters, far above the noise of float32.
      const direction = Float32Array.from(values, () => random.normal());
      const lossAt = async (shift: number): Promise<number> => {
        const moved = values.map((value, at) => value + shift * (direction[at] as number));
        const fed = { ...Object.fromEntries(weights), ...feeds, [target]: tensorOf('float32', tensor.dims, moved) };
        const { loss } = await session.run(fed);
        return elements(loss as Tensor, 'float32')[0] as number;
      };
      const step = 0.02 / Math.sqrt(direction.length / 64);
      const near = (await lossAt(step)) - (await lossAt(-step));
      const far = (await lossAt(2 * step)) - (await lossAt(-2 * step));
      const slope = (8 * near - far) / (12 * step);
      const expected = found.reduce((sum, value, at) => sum + value * (direction[at] as number), 0);
      const norm = Math.sqrt(found.reduce((sum, value) => sum + value * value, 0));
      expect(Math.abs(slope - expected) / norm, target).toBeLessThan(2e-3);
    }
    await session.release();
  });
});

/** Gradients of whole models: against PyTorch's (test/golden/scripts/autodiff.py) and against central differences. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { gradientGraph, reachedBy } from '../../../numerics/autodiff/gradient.ts';
import { readModelFile } from '../../../numerics/onnx/file.ts';
import { readModel } from '../../../numerics/onnx/read.ts';
import type { OnnxModel } from '../../../numerics/onnx/graph.ts';
import { createSession } from '../../../engine/runtime/session.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';
import { elementCount, elements, type NumericTensor, type Tensor, tensorOf } from '../../../numerics/tensor/tensor.ts';
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

/**
 * Largest |slope - gradient · direction| / |gradient| over the targets, each moved along a random direction: a sum over many
 * parameters is far above the noise of float32.
 */
async function distanceFromDifferences(
  model: OnnxModel,
  { feeds, targets }: { readonly feeds: Readonly<Record<string, NumericTensor>>; readonly targets: readonly string[] },
): Promise<number> {
  const inputs = Object.fromEntries(Object.entries(feeds).map(([name, { dims }]) => [name, dims]));
  const { model: backward, gradients } = gradientGraph({ model, inputs, loss: 'loss', targets });
  const results = await run(backward, feeds);
  const random = createRandom('directions');
  const weights = new Map(targets.map((name) => [name, model.graph.initializers.get(name) as NumericTensor]));
  const session = await createSession(withInputs(model, weights), { threads: 1 });
  let worst = 0;
  for (const [target, tensor] of weights) {
    const values = elements(tensor, 'float32');
    const found = results[gradients.get(target) as string] as Float32Array;
    const direction = Float32Array.from(values, () => random.normal());
    const lossAt = async (shift: number): Promise<number> => {
      const moved = values.map((value, at) => value + shift * (direction[at] as number));
      const fed = { ...Object.fromEntries(weights), ...feeds, [target]: tensorOf('float32', tensor.dims, moved) };
      const { loss } = await session.run(fed);
      return elements(loss as Tensor, 'float32')[0] as number;
    };
    const step = 0.02 / Math.sqrt(Math.max(direction.length / 64, 1));
    const near = (await lossAt(step)) - (await lossAt(-step));
    const far = (await lossAt(2 * step)) - (await lossAt(-2 * step));
    const slope = (8 * near - far) / (12 * step);
    const expected = found.reduce((sum, value, at) => sum + value * (direction[at] as number), 0);
    const norm = Math.sqrt(found.reduce((sum, value) => sum + value * value, 0));
    // What has no gradient, as key biases and masked scores, has noise.
    worst = Math.max(worst, Math.abs(slope - expected) / Math.max(norm, 0.1));
  }
  await session.release();
  return worst;
}

const tokens = (count: number, vocabulary: number): NumericTensor =>
  int64(
    [2, count / 2],
    Array.from({ length: count }, (_, at) => (at * 29 + 3) % vocabulary),
  );
const labels = (count: number, of: number): NumericTensor =>
  int64(
    [count],
    Array.from({ length: count }, (_, at) => (at * 17 + 5) % of),
  );

describe('gradients of whole models agree with central differences', () => {
  it('a Llama in primitives, every weight', async () => {
    const model = withCrossEntropy(tinyLlama().onnx, { logits: 'logits', dims: [2, 6, 64] });
    const reached = reachedBy({ model, inputs: { input_ids: [2, 6] }, loss: 'loss' });
    const targets = reached.filter((name) => name.endsWith('weight'));
    expect(targets).toHaveLength(2 + 2 * 9);
    const feeds = { input_ids: tokens(12, 64), labels: labels(12, 64) };
    expect(await distanceFromDifferences(model, { feeds, targets })).toBeLessThan(2e-3);
  });

  it.each([
    ['decoder by torch.export', 'decoder-dynamo-21', [2, 5, 50]],
    ['decoder traced by torch, optimized by onnxruntime', 'decoder-script-17-opt', [2, 5, 50]],
    ['encoder by torch.export, optimized by onnxruntime', 'encoder-dynamo-21-opt', [2, 3]],
  ] as const)('%s', async (_, file, dims) => {
    const given = await readModelFile(fileURLToPath(new URL(`onnx/exported/${file}.onnx`, golden)));
    const logits = given.graph.outputs[0]?.name ?? '';
    const model = withCrossEntropy(given, { logits, dims });
    const rows = dims.slice(0, -1).reduce((product, dim) => product * dim, 1);
    const own = Object.fromEntries(
      given.graph.inputs.map(({ name }) => [
        name,
        name === 'mask' ? int64([2, 5], [1, 1, 1, 1, 1, 1, 1, 1, 0, 0]) : tokens(10, 50),
      ]),
    );
    const feeds = { ...own, labels: labels(rows, dims.at(-1) as number) };
    const inputs = Object.fromEntries(given.graph.inputs.map(({ name }) => [name, [2, 5]]));
    const targets = reachedBy({ model, inputs, loss: 'loss' });
    expect(targets.length).toBeGreaterThan(10);
    expect(await distanceFromDifferences(model, { feeds, targets })).toBeLessThan(5e-3);
  });

  it('names the operator of a quantized model', () => {
    const given = readModel(readFileSync(new URL('onnx/exported/decoder-script-17-int8.onnx', golden)));
    const model = withCrossEntropy(given, { logits: given.graph.outputs[0]?.name ?? '', dims: [2, 5, 50] });
    expect(() => reachedBy({ model, inputs: { ids: [2, 5] }, loss: 'loss' })).toThrow(
      /DynamicQuantizeLinear, opset 17\): no gradient rule/,
    );
  });
});

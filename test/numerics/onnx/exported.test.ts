/** Models as exporters, optimizers and quantizers write them; made by test/golden/scripts/onnx-exported.py. */
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { removeDeadCode, withGraph } from '../../../numerics/onnx/edit.ts';
import { readModelFile } from '../../../numerics/onnx/file.ts';
import type { OnnxModel } from '../../../numerics/onnx/graph.ts';
import { readModel } from '../../../numerics/onnx/read.ts';
import { inferShapes } from '../../../numerics/onnx/shapes.ts';
import { writeModel } from '../../../numerics/onnx/write.ts';
import { createSession } from '../../../engine/runtime/session.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';
import { type Tensor, tensorOf } from '../../../numerics/tensor/tensor.ts';
import { differences, exposeAll } from './computed-shapes.ts';

const VOCABULARY = 50;
const path = (name: string): string => fileURLToPath(new URL(`../../golden/onnx/exported/${name}`, import.meta.url));

function feedsOf(model: OnnxModel, batch: number, sequence: number): Record<string, Tensor> {
  const random = createRandom(`${batch} ${sequence}`);
  const ids = BigInt64Array.from({ length: batch * sequence }, () => BigInt(random.integer(VOCABULARY)));
  // The last token of each row is padding.
  const mask = BigInt64Array.from({ length: batch * sequence }, (_, index) => ((index + 1) % sequence === 0 ? 0n : 1n));
  const values: Record<string, BigInt64Array<ArrayBuffer>> = { ids, mask };
  return Object.fromEntries(
    model.graph.inputs.map(({ name }) => [
      name,
      tensorOf('int64', [batch, sequence], values[name] as BigInt64Array<ArrayBuffer>),
    ]),
  );
}

async function run(model: OnnxModel | string, feeds: Record<string, Tensor>): Promise<Record<string, Tensor>> {
  const session = await createSession(model, { threads: 1 });
  const outputs = await session.run(feeds);
  await session.release();
  return outputs;
}

describe.each([
  'decoder-dynamo-21.onnx',
  'decoder-script-17-opt.onnx',
  'decoder-script-17-int8.onnx',
  'encoder-dynamo-21-opt.onnx',
])('%s', (name) => {
  const model = readModelFile(path(name));

  it('computes the same after reading and writing', async () => {
    const feeds = feedsOf(model, 2, 5);
    expect(readModel(writeModel(model))).toEqual(model);
    expect(await run(model, feeds)).toEqual(await run(path(name), feeds));
  });

  it('computes the same without what removeDeadCode removes', async () => {
    const feeds = feedsOf(model, 1, 3);
    expect(await run(withGraph(model, removeDeadCode(model.graph)), feeds)).toEqual(await run(model, feeds));
  });

  it.each([
    [2, 5],
    [3, 8],
  ])('has the shapes onnxruntime computes in every value for %d rows of %d', async (batch, sequence) => {
    const feeds = feedsOf(model, batch, sequence);
    const shapes = inferShapes(model, {
      inputs: Object.fromEntries(model.graph.inputs.map((info) => [info.name, [batch, sequence]])),
    });
    const computed = await run(exposeAll(model, shapes), feeds);
    expect(Object.keys(computed).length).toBeGreaterThan(80);
    expect(differences(name, shapes, computed)).toEqual([]);
  });
});

import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import onnxruntimeQuantizer from '../../examples/onnxruntime-quantizer/onnxruntime-quantizer.ts';
import { writeModel } from '../../numerics/onnx/write.ts';
import { createSession } from '../../engine/runtime/session.ts';
import { probeTokens, tokenFeeds } from '../../engine/runtime/token-feeds.ts';
import { elements } from '../../numerics/tensor/tensor.ts';
import int8Dynamic from '../../methods/quantization/int8-dynamic.ts';
import type { Method } from '../../engine/definitions/method.ts';
import type { Model } from '../../engine/definitions/model.ts';
import { methodContext } from '../support/method-context.ts';
import { tinyModels } from '../support/tiny-model.ts';

/** Undefined where the example can run: Python on PATH, with onnxruntime and onnx from pip. */
function missing(): string | undefined {
  const { error, stderr } = spawnSync('python3', ['-c', 'import onnx, onnxruntime.quantization'], { encoding: 'utf8' });
  if (error) return `python3 is not on PATH: ${error.message}`;
  return stderr.includes('Error') ? `python3: ${stderr.trim().split('\n').at(-1)}` : undefined;
}
const reason = missing();

async function compress(
  method: Method,
  variant: string,
  model: Model,
): Promise<{ compressed: Model; notes: readonly string[] }> {
  const { context, notes } = methodContext({ method, variant, model });
  return { compressed: await method.compress(model, context), notes };
}

async function logitsOf({ onnx, roles }: Model, bytes = writeModel(onnx)): Promise<Float32Array> {
  const session = await createSession(bytes, { threads: 1 });
  try {
    const vocabularySize = onnx.graph.initializers.get(roles.embedding.weight)?.dims[0] ?? 0;
    const ids = probeTokens({ batch: 2, sequence: 7, vocabularySize });
    const { logits } = await session.run(tokenFeeds(onnx.graph.inputs, ids));
    return elements(logits!, 'float32').slice();
  } finally {
    await session.release();
  }
}

describe(`the example of a method in Python${reason ? ` (skipped: ${reason})` : ''}`, () => {
  it.skipIf(reason).each(tinyModels.map((model) => [model.id, model] as const))(
    'quantizes %s: a smaller file of the same interface, the same bytes again, and the numbers of int8-dynamic',
    async (_, model) => {
      const { compressed, notes } = await compress(onnxruntimeQuantizer, 'tensor', model);
      const bytes = writeModel(compressed.onnx);
      expect(notes).toEqual([expect.stringMatching(/^quantized by onnxruntime \d+\.\d+\.\d+ of Python$/)]);
      expect(bytes.byteLength).toBeLessThan(writeModel(model.onnx).byteLength);
      expect(compressed.onnx.graph.inputs).toEqual(model.onnx.graph.inputs);
      expect(compressed.onnx.graph.outputs).toEqual(model.onnx.graph.outputs);
      const again = await compress(onnxruntimeQuantizer, 'tensor', model);
      expect(Buffer.compare(writeModel(again.compressed.onnx), bytes)).toBe(0);
      const own = await compress(int8Dynamic, 'tensor', model);
      const [found, expected] = [await logitsOf(model, bytes), await logitsOf(own.compressed)];
      const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      found.forEach((value, at) => expect(Math.abs(value - (expected[at] ?? NaN))).toBeLessThan(0.02 * largest));
    },
  );
});

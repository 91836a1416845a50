/** What every registered method promises, checked on a small random model. */
import { readdirSync } from 'node:fs';
import { zstdCompressSync } from 'node:zlib';
import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { ACCESS_CLASSES, FAMILIES } from '../../harness/contracts/method.ts';
import type { Model } from '../../harness/contracts/model.ts';
import type { OnnxModel } from '../../harness/onnx/graph.ts';
import { writeModel } from '../../harness/onnx/write.ts';
import { createSession } from '../../harness/runtime/session.ts';
import { elements, tensorOf } from '../../harness/tensor/tensor.ts';
import { methods } from '../../methods/index.ts';
import { methodContext } from '../support/method-context.ts';
import { tinyLlama } from '../support/tiny-model.ts';

const root = new URL('../../methods/', import.meta.url);
const model = tinyLlama();
const denseBytes = writeModel(model.onnx);
const denseMeasures = measuresOf(model.onnx);
const denseLogits = await logitsOf(denseBytes);

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

describe('the list of methods', () => {
  it('holds each file of each family folder under its own name, sorted', () => {
    const files = readdirSync(root, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && entry.name !== 'shared')
      .flatMap(({ name }) => readdirSync(new URL(`${name}/`, root)).map((file) => `${name}/${file}`));
    const listed = methods.map(({ id, family }) => `${family}/${id}.ts`);
    expect([...listed].sort()).toEqual(files.sort());
    const ids = methods.map(({ id }) => id);
    expect(ids).toEqual([...ids].sort());
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe.each(methods.map((method) => [method.id, method] as const))('%s', (_, method) => {
  const variants = Object.keys(method.variants);

  it('says what it is', () => {
    expect(method.id).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
    expect(FAMILIES).toContain(method.family);
    expect(ACCESS_CLASSES).toContain(method.access);
    const sentences = method.description.match(/[.!?](\s|$)/g) ?? [];
    expect(sentences.length).toBeGreaterThanOrEqual(1);
    expect(sentences.length).toBeLessThanOrEqual(4);
    const { title, authors, year, url } = method.paper;
    expect(title).not.toBe('');
    expect(authors).not.toBe('');
    expect(year).toBeGreaterThan(1930);
    expect(url).toMatch(/^https:\/\//);
  });

  it('has variants that its parameters accept, five or more where it has parameters, and no two the same', () => {
    for (const variant of variants) {
      expect(variant).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
      expect(v.safeParse(method.params, method.variants[variant]).issues).toBeUndefined();
    }
    const entries = Object.keys((method.params as unknown as { entries: object }).entries);
    expect(variants.length).toBeGreaterThanOrEqual(entries.length > 0 ? 5 : 1);
    const parsed = variants.map((variant) => JSON.stringify(v.parse(method.params, method.variants[variant])));
    expect(new Set(parsed).size).toBe(parsed.length);
  });

  it('describes each parameter and refuses one it does not know', () => {
    const { entries } = method.params as unknown as { entries: Record<string, v.GenericSchema> };
    for (const [name, schema] of Object.entries(entries)) {
      const described = 'wrapped' in schema ? (schema.wrapped as v.GenericSchema) : schema;
      expect(v.getDescription(described as never), name).toMatch(/\.$/);
    }
    const stray = { ...method.variants[variants[0]], noSuchParameter: 1 };
    expect(v.safeParse(method.params, stray).success).toBe(false);
  });

  describe.each(variants)('%s', (variant) => {
    const seed = 3;
    let first: Promise<{ compressed: Model; bytes: Uint8Array; progress: readonly number[] }> | undefined;
    const compressOnce = () =>
      (first ??= (async () => {
        const { context, progress } = methodContext({ method, variant, model, seed });
        const compressed = await method.compress(model, context);
        return { compressed, bytes: writeModel(compressed.onnx), progress };
      })());

    it('gives the same bytes for the same seed, and other bytes for another only where it says so', async () => {
      const again = await method.compress(model, methodContext({ method, variant, model, seed }).context);
      const { bytes } = await compressOnce();
      expect(hashOf(writeModel(again.onnx))).toBe(hashOf(bytes));
      if (method.access !== 'data-free') return;
      const other = await method.compress(model, methodContext({ method, variant, model, seed: seed + 1 }).context);
      expect(hashOf(writeModel(other.onnx)) !== hashOf(bytes)).toBe(method.random);
    });

    it('leaves the model it was given untouched', async () => {
      await compressOnce();
      expect(hashOf(writeModel(model.onnx))).toBe(hashOf(denseBytes));
    });

    it('gives a file that loads, with the same interface, finite logits, and no node without a name', async () => {
      const { compressed, bytes } = await compressOnce();
      const { graph } = compressed.onnx;
      expect(graph.inputs).toEqual(model.onnx.graph.inputs);
      expect(graph.outputs).toEqual(model.onnx.graph.outputs);
      const names = graph.nodes.map((node) => node.name);
      expect(new Set(names).size).toBe(names.length);
      const logits = await logitsOf(bytes);
      expect(logits.dims).toEqual(denseLogits.dims);
      expect(logits.values.every(Number.isFinite)).toBe(true);
      const same = Buffer.compare(Buffer.from(logits.values.buffer), Buffer.from(denseLogits.values.buffer)) === 0;
      if (method.id !== 'dense') expect(same).toBe(false);
    });

    it('is smaller by at least one measure unless it is a control', async () => {
      const { compressed } = await compressOnce();
      const smaller = measuresOf(compressed.onnx).some((size, at) => size < denseMeasures[at]);
      if (!method.control) expect(smaller).toBe(true);
    });

    it('reports progress that grows to 1, if at all', async () => {
      const { progress } = await compressOnce();
      expect([...progress].sort((a, b) => a - b)).toEqual(progress);
      if (progress.length > 0) expect(progress.at(-1)).toBeCloseTo(1, 6);
    });

    it('stops when it is told to', async () => {
      const signal = AbortSignal.abort(new Error('time is over'));
      const compress = async () =>
        await method.compress(model, methodContext({ method, variant, model, seed, signal }).context);
      await expect(compress()).rejects.toThrow('time is over');
    });
  });
});

async function logitsOf(bytes: Uint8Array): Promise<{ dims: readonly number[]; values: Float32Array }> {
  const session = await createSession(bytes, { threads: 1 });
  try {
    const ids = BigInt64Array.from({ length: 12 }, (_, at) => BigInt((at * 5 + 1) % 11));
    const { logits } = await session.run({ input_ids: tensorOf('int64', [2, 6], ids) });
    return { dims: logits.dims, values: elements(logits, 'float32').slice() };
  } finally {
    await session.release();
  }
}

/** Bytes of the file, bytes of it compressed, float32 weights that are not zero. */
function measuresOf(onnx: OnnxModel): readonly number[] {
  const file = writeModel(onnx);
  const zstd = zstdCompressSync(file);
  let nonZeros = 0;
  for (const tensor of onnx.graph.initializers.values()) {
    if (tensor.dtype === 'float32') for (const value of elements(tensor, 'float32')) if (value !== 0) nonZeros++;
  }
  return [file.byteLength, zstd.byteLength, nonZeros];
}

/** What every registered method promises, checked on a small random model of each architecture. */
import { readdirSync } from 'node:fs';
import { zstdCompressSync } from 'node:zlib';
import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { UnsupportedError } from '../../contracts/errors.ts';
import type { Method } from '../../engine/definitions/method.ts';
import { ACCESS_CLASSES, FAMILIES, SPDX_IDENTIFIER } from '../../contracts/taxonomy.ts';
import type { Model } from '../../engine/definitions/model.ts';
import type { OnnxModel } from '../../numerics/onnx/graph.ts';
import { writeModel } from '../../numerics/onnx/write.ts';
import { createSession } from '../../engine/runtime/session.ts';
import { tokenFeeds } from '../../engine/runtime/token-feeds.ts';
import { elements, tensorOf } from '../../numerics/tensor/tensor.ts';
import { methods } from '../../methods/index.ts';
import { methodContext } from '../support/method-context.ts';
import { tinyGpt, tinyModels } from '../support/tiny-model.ts';

const root = new URL('../../methods/', import.meta.url);
const subjects = await Promise.all(
  tinyModels.map(async (model) => {
    const bytes = writeModel(model.onnx);
    return { model, bytes, measures: measuresOf(model.onnx), logits: await logitsOf(model, bytes) };
  }),
);
type Subject = (typeof subjects)[number];

/** Smaller dense models, by the id of the one they stand beside; the others have none. */
const smallerModels: Readonly<Record<string, Model>> = {
  'tiny-gpt': tinyGpt({ seed: 'smaller', layers: 1, width: 16, hiddenWidth: 24 }),
};

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

describe('the list of methods', () => {
  it('holds each file of each family folder under its own name, sorted', () => {
    const files = readdirSync(root, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && entry.name !== 'shared')
      .flatMap(({ name }) => readdirSync(new URL(`${name}/`, root)).map((file) => `${name}/${file}`))
      // A script in another language lies beside the method that runs it.
      .filter((path) => path.endsWith('.ts'));
    const listed = methods.map(({ id, family }) => `${family}/${id}.ts`);
    expect([...listed].sort()).toEqual(files.sort());
    const ids = methods.map(({ id }) => id);
    expect(ids).toEqual([...ids].sort());
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe.each(methods.map((method) => [method.id, method] as const))('%s', (_, method) => {
  const variants = Object.keys(method.variants);
  const examined = distinctVariants(method);

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
    expect(method.licence).toMatch(SPDX_IDENTIFIER);
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
    const stray = { ...method.variants[variants[0]!], noSuchParameter: 1 };
    expect(v.safeParse(method.params, stray).success).toBe(false);
  });

  it('follows the seed in some variant where it says it is random without data', async () => {
    if (method.access !== 'data-free' || !method.random) return;
    const { model } = subjects[1] as Subject;
    const bytes = (variant: string, seed: number) => {
      const { context } = methodContext({ method, variant, model, seed });
      return Promise.resolve(method.compress(model, context)).then(({ onnx }) => hashOf(writeModel(onnx)));
    };
    const pairs = await Promise.all(variants.map((variant) => Promise.all([bytes(variant, 1), bytes(variant, 2)])));
    expect(pairs.some(([one, other]) => one !== other)).toBe(true);
  });

  describe.each(subjects.map((subject) => [subject.model.id, subject] as const))('on %s', (_name, subject) => {
    const at = subjects.indexOf(subject);
    const here = examined.filter((_variant, index) => isExamined({ index, of: examined.length, on: at }));
    describe.each(here)('%s', (variant) => examine(method, variant, subject));
  });
});

/** The first and last variant on every architecture, those between on one each, in turn. */
function isExamined({ index, of, on }: { readonly index: number; readonly of: number; readonly on: number }): boolean {
  return index === 0 || index === of - 1 || index % subjects.length === on;
}

/** Trained methods keep their promises, or break them, within a handful of steps. */
const MOST_STEPS = 4;

/** A variant's parameters with its budget cut short, where it has one. */
function paramsOf({ variants }: Method, variant: string): Readonly<Record<string, unknown>> {
  const params = variants[variant] as Readonly<Record<string, unknown>>;
  return typeof params['steps'] === 'number' ? { ...params, steps: Math.min(params['steps'], MOST_STEPS) } : params;
}

/** The variants that still differ with their budgets cut short. */
function distinctVariants(method: Method): readonly string[] {
  const first = new Map<string, string>();
  for (const variant of Object.keys(method.variants)) {
    const key = JSON.stringify(v.parse(method.params, paramsOf(method, variant)));
    if (!first.has(key)) first.set(key, variant);
  }
  return [...first.values()];
}

/** The tests of one variant on one model. A method may refuse an architecture, with a reason. */
function examine(
  method: Method,
  variant: string,
  { model, bytes: denseBytes, measures, logits: denseLogits }: Subject,
) {
  const seed = 3;
  const compress = async (parts: { readonly seed?: number; readonly signal?: AbortSignal } = {}) => {
    const { context, progress } = methodContext({
      method,
      variant,
      params: paramsOf(method, variant),
      model,
      seed,
      ...(smallerModels[model.id] && { smaller: smallerModels[model.id] }),
      ...parts,
    });
    const compressed = await method.compress(model, context);
    return { compressed, bytes: writeModel(compressed.onnx), progress };
  };
  type Outcome = Awaited<ReturnType<typeof compress>> | UnsupportedError;
  let first: Promise<Outcome> | undefined;
  const compressOnce = () =>
    (first ??= compress().catch((error: unknown) => {
      if (error instanceof UnsupportedError) return error;
      throw error;
    }));
  /** Undefined where the method refuses the architecture; then it says which model and why. */
  async function compressed() {
    const outcome = await compressOnce();
    if (!(outcome instanceof UnsupportedError)) return outcome;
    expect(outcome.message).toContain(model.id);
    expect(outcome.message.length).toBeGreaterThan(40);
    return undefined;
  }

  it('gives the same bytes for the same seed, and other bytes for another only where it says so', async () => {
    const found = await compressed();
    if (!found) return;
    const again = await compress();
    expect(hashOf(again.bytes)).toBe(hashOf(found.bytes));
    if (method.access !== 'data-free') return;
    const other = await compress({ seed: seed + 1 });
    // Of a method that says so, some variants may leave nothing to chance.
    if (!method.random) expect(hashOf(other.bytes)).toBe(hashOf(found.bytes));
  });

  it('leaves the model it was given untouched', async () => {
    await compressOnce();
    expect(hashOf(writeModel(model.onnx))).toBe(hashOf(denseBytes));
  });

  it('gives a file that loads, with the same interface, finite logits, and no node without a name', async () => {
    const found = await compressed();
    if (!found) return;
    const { graph } = found.compressed.onnx;
    expect(graph.inputs).toEqual(model.onnx.graph.inputs);
    expect(graph.outputs).toEqual(model.onnx.graph.outputs);
    const names = graph.nodes.map((node) => node.name);
    expect(new Set(names).size).toBe(names.length);
    const logits = await logitsOf(model, found.bytes);
    expect(logits.dims).toEqual(denseLogits.dims);
    expect(logits.values.every(Number.isFinite)).toBe(true);
    const same = Buffer.compare(Buffer.from(logits.values.buffer), Buffer.from(denseLogits.values.buffer)) === 0;
    if (!method.control) expect(same).toBe(false);
  });

  it('is smaller by at least one measure unless it is a control', async () => {
    const found = await compressed();
    if (!found || method.control) return;
    expect(measuresOf(found.compressed.onnx).some((size, at) => size < (measures[at] as number))).toBe(true);
  });

  it('reports progress that grows to 1, if at all', async () => {
    const found = await compressed();
    if (!found) return;
    const { progress } = found;
    expect([...progress].sort((a, b) => a - b)).toEqual(progress);
    if (progress.length > 0) expect(progress.at(-1)).toBeCloseTo(1, 6);
  });

  it('stops when it is told to', async () => {
    if (!(await compressed())) return;
    const signal = AbortSignal.abort(new Error('time is over'));
    await expect(compress({ signal })).rejects.toThrow('time is over');
  });
}

async function logitsOf(
  { onnx }: Model,
  bytes: Uint8Array,
): Promise<{ dims: readonly number[]; values: Float32Array }> {
  const session = await createSession(bytes, { threads: 1 });
  try {
    const ids = BigInt64Array.from({ length: 12 }, (_, at) => BigInt((at * 5 + 1) % 11));
    const { logits } = await session.run(tokenFeeds(onnx.graph.inputs, tensorOf('int64', [2, 6], ids)));
    return { dims: logits!.dims, values: elements(logits!, 'float32').slice() };
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

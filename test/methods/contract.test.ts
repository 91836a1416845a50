/**
 * What every registered method promises, checked on a small random model of each architecture. Its artifacts are held
 * against methods/artifact-digests.json; with UPDATE_DIGESTS=1 they are recorded there (npm run update-digests).
 */
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { zstdCompressSync } from 'node:zlib';
import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { type TestContext, describe, expect, it } from 'vitest';
import {
  type MethodDigests,
  REFUSED,
  artifactFinding,
  madeOnOf,
  readDigests,
  runsKernels,
  withRecorded,
  writeDigests,
} from '../../cli/authors/artifact-digests.ts';
import type { Refusal } from '../../cli/authors/method-contract.ts';
import { UnsupportedError } from '../../contracts/errors.ts';
import type { Method } from '../../engine/definitions/method.ts';
import { ACCESS_CLASSES, FAMILIES, SPDX_IDENTIFIER } from '../../contracts/taxonomy.ts';
import type { Model } from '../../engine/definitions/model.ts';
import { isSharedParameter } from '../../engine/definitions/shared-parameters.ts';
import { finishModel } from '../../engine/model/finish-model.ts';
import type { OnnxModel } from '../../numerics/onnx/graph.ts';
import { writeModel } from '../../numerics/onnx/write.ts';
import { readMachine } from '../../harness/measure/machine.ts';
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

declare module 'vitest' {
  interface TaskMeta {
    /** Of a test that was skipped because the method refuses the model. */
    refused?: Refusal;
  }
}

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
const DIGESTS = fileURLToPath(new URL('artifact-digests.json', root));
const RECORDS = process.env['UPDATE_DIGESTS'] === '1';
const SEED = 3;
/** Trained methods keep their promises, or break them, within a handful of steps: here 4 of 8 rows of 32. */
const MOST_TOKENS = 1024;
const recordedDigests = readDigests(DIGESTS);
const machine = madeOnOf(readMachine());
const inputs = digestOfInputs();

/** Of everything that artifacts are made from here. */
function digestOfInputs(): string {
  const hash = createHash('sha256').update(JSON.stringify({ SEED, MOST_TOKENS }));
  // A trained method is given both sets of examples.
  const trained = methods.find(({ access }) => access === 'trained');
  if (!trained) throw new Error('no registered method trains; take the examples of another access class');
  for (const { model, bytes } of subjects) {
    const [variant = ''] = Object.keys(trained.variants);
    const { context } = methodContext({ method: trained, variant, model, seed: SEED });
    hash.update(bytes).update(context.calibration.contentHash).update(context.training.contentHash);
  }
  for (const smaller of Object.values(smallerModels)) hash.update(writeModel(smaller.onnx));
  return hash.digest('hex');
}

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

  it.skipIf(RECORDS)('has digests of the artifacts of every method, and of no other', () => {
    expect(Object.keys(recordedDigests)).toEqual(methods.map(({ id }) => id));
  });
});

describe.each(methods.map((method) => [method.id, method] as const))('%s', (_, method) => {
  const variants = Object.keys(method.variants);
  const examined = distinctVariants(method);
  const file = fileURLToPath(new URL(`${method.family}/${method.id}.ts`, root));
  const madeOn = runsKernels(file, REPOSITORY) ? { madeOn: machine } : {};
  // A method that is still being written has none: check-method says so, and so does the test of the list of methods.
  const recorded = recordedDigests[method.id];
  const attempts = new Map<string, () => Promise<Outcome>>();

  it('says what it is', () => {
    expect(method.id).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
    expect(FAMILIES).toContain(method.family);
    expect(ACCESS_CLASSES).toContain(method.access);
    expect(Number.isInteger(method.revision) && method.revision >= 1).toBe(true);
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
    const entries = Object.keys(method.params.entries).filter((name) => !isSharedParameter(name));
    expect(variants.length).toBeGreaterThanOrEqual(entries.length > 0 ? 5 : 1);
    const parsed = variants.map((variant) => JSON.stringify(v.parse(method.params, method.variants[variant])));
    expect(new Set(parsed).size).toBe(parsed.length);
  });

  it('describes each parameter and refuses one it does not know', () => {
    const { entries } = method.params;
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
    describe.each(here)('%s', (variant) => {
      const compressOnce = examine(method, variant, subject);
      attempts.set(`${variant} on ${subject.model.id}`, compressOnce);
      it.skipIf(RECORDS || !recorded)('makes the artifact that is recorded under the revision', async (test) => {
        if (!recorded) return;
        const outcome = await compressOnce();
        const name = `${variant} on ${subject.model.id}`;
        const digest = digestOf(outcome);
        const finding = artifactFinding(method, recorded, { ...madeOn, inputs, name, digest });
        // A failed expectation would show only the beginning of what has to be done.
        if (finding !== undefined) expect.fail(finding);
        skipRefused(test, outcome, { variant, model: subject.model.id });
      });
    });
  });

  it('is accepted by at least one architecture', async () => {
    const refusals: string[] = [];
    for (const attempt of attempts.values()) {
      // Another error than a refusal fails the tests of its own variant.
      const outcome = await attempt().catch(() => undefined);
      if (outcome instanceof UnsupportedError) refusals.push(outcome.message);
    }
    if (refusals.length === attempts.size) expect.fail(`${method.id} refuses every architecture: ${refusals[0]}`);
  });

  it.skipIf(RECORDS || !recorded)('has a recorded digest for each artifact, and for no other', () => {
    expect(Object.keys(recorded?.artifacts ?? {})).toEqual([...attempts.keys()].sort());
  });

  it.runIf(RECORDS)('has its digests recorded', async () => {
    const artifacts: Record<string, string> = {};
    for (const [name, attempt] of attempts) artifacts[name] = digestOf(await attempt());
    const found: MethodDigests = { revision: method.revision, ...madeOn, inputs, artifacts };
    const table = withRecorded(readDigests(DIGESTS), method, found);
    const registered = new Set(methods.map(({ id }) => id));
    writeDigests(DIGESTS, Object.fromEntries(Object.entries(table).filter(([id]) => registered.has(id))));
  });
});

interface Compressed {
  readonly compressed: Model;
  readonly bytes: Uint8Array;
  readonly progress: readonly number[];
}

type Outcome = Compressed | UnsupportedError;

function digestOf(outcome: Outcome): string {
  return outcome instanceof UnsupportedError ? REFUSED : hashOf(outcome.bytes);
}

/** Ends a test on a model that the method refuses: it counts as refused, not as passed. The reason must say which model. */
function skipRefused(
  test: TestContext,
  outcome: Outcome,
  refused: Omit<Refusal, 'reason'>,
): asserts outcome is Compressed {
  if (!(outcome instanceof UnsupportedError)) return;
  expect(outcome.message).toContain(refused.model);
  expect(outcome.message.length).toBeGreaterThan(40);
  test.task.meta.refused = { ...refused, reason: outcome.message };
  test.skip(`refused: ${outcome.message}`);
}

/** The first and last variant on every architecture, those between on one each, in turn. */
function isExamined({ index, of, on }: { readonly index: number; readonly of: number; readonly on: number }): boolean {
  return index === 0 || index === of - 1 || index % subjects.length === on;
}

/** A variant's parameters with its budget cut short, where it has one. */
function paramsOf({ variants }: Method, variant: string): Readonly<Record<string, unknown>> {
  const params = variants[variant] as Readonly<Record<string, unknown>>;
  return typeof params['tokens'] === 'number' ? { ...params, tokens: Math.min(params['tokens'], MOST_TOKENS) } : params;
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

/**
 * The tests of one variant on one model, which the method may refuse with a reason.
 * @returns the compression with the suite's seed, made once and kept.
 */
function examine(
  method: Method,
  variant: string,
  { model, bytes: denseBytes, measures, logits: denseLogits }: Subject,
): () => Promise<Outcome> {
  const compress = async (parts: { readonly seed?: number; readonly signal?: AbortSignal } = {}) => {
    const { context, progress } = methodContext({
      method,
      variant,
      params: paramsOf(method, variant),
      model,
      seed: SEED,
      ...(smallerModels[model.id] && { smaller: smallerModels[model.id] }),
      ...parts,
    });
    const compressed = finishModel(await method.compress(model, context), context);
    return { compressed, bytes: writeModel(compressed.onnx), progress };
  };
  let first: Promise<Outcome> | undefined;
  const compressOnce = () =>
    (first ??= compress().catch((error: unknown) => {
      if (error instanceof UnsupportedError) return error;
      throw error;
    }));
  async function made(test: TestContext): Promise<Compressed> {
    const outcome = await compressOnce();
    skipRefused(test, outcome, { variant, model: model.id });
    return outcome;
  }

  it('gives the same bytes for the same seed, and other bytes for another only where it says so', async (test) => {
    const found = await made(test);
    // Where the recorded digest holds, another process has made the same bytes already.
    if (recordedDigests[method.id]?.artifacts[`${variant} on ${model.id}`] !== hashOf(found.bytes)) {
      const again = await compress();
      expect(hashOf(again.bytes)).toBe(hashOf(found.bytes));
    }
    if (method.access !== 'data-free') return;
    const other = await compress({ seed: SEED + 1 });
    // Of a method that says so, some variants may leave nothing to chance.
    if (!method.random) expect(hashOf(other.bytes)).toBe(hashOf(found.bytes));
  });

  it('leaves the model it was given untouched', async (test) => {
    const outcome = await compressOnce();
    expect(hashOf(writeModel(model.onnx))).toBe(hashOf(denseBytes));
    skipRefused(test, outcome, { variant, model: model.id });
  });

  it('gives a file that loads, with the same interface, finite logits, and no node without a name', async (test) => {
    const found = await made(test);
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

  it('is smaller by at least one measure unless it is a control', async (test) => {
    const found = await made(test);
    if (method.control) return;
    expect(measuresOf(found.compressed.onnx).some((size, at) => size < (measures[at] as number))).toBe(true);
  });

  it('reports progress that grows to 1, if at all', async (test) => {
    const { progress } = await made(test);
    expect([...progress].sort((a, b) => a - b)).toEqual(progress);
    if (progress.length > 0) expect(progress.at(-1)).toBeCloseTo(1, 6);
  });

  it('stops when it is told to', async (test) => {
    await made(test);
    const signal = AbortSignal.abort(new Error('time is over'));
    await expect(compress({ signal })).rejects.toThrow('time is over');
  });
  return compressOnce;
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

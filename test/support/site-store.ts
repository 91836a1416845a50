/**
 * The store that the site under test is built from: one published run of results/, always the same, and a small model with what those
 * lack: a task with groups of items, training methods at every size, a simulated, a noisy, a stale and a failed variant,
 * a second run, a correction, and names that try to be markup or to turn the text around.
 */
import { copyFileSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { recordCatalog } from '../../drizzle/catalog.ts';
import { openStore } from '../../drizzle/client.ts';
import { importResults } from '../../drizzle/import.ts';
import { recordEvaluation, recordMeasurement, recordRun, recordTrial } from '../../drizzle/record.ts';
import type { Store } from '../../drizzle/queries.ts';
import { catalog } from '../../cli/setup/run-suite.ts';
import type { Items } from '../../contracts/result.ts';
import { deriveStore } from '../../board/derive/derive-store.ts';
import { createRandom } from '../../numerics/tensor/random.ts';
import { addEntry } from './board.ts';
import { catalogOf, methodEntryOf } from './catalog.ts';
import {
  type CompletedTrial,
  artifactOf,
  evaluationOf,
  failedTrialOf,
  measurementOf,
  runOf,
  timeAt,
  trialOf,
} from './rows.ts';

export const HOSTILE_METHOD = '<script>alert("method")</script>';
/** U+202E turns what follows it around. */
export const HOSTILE_VARIANT = 'w4\u202egnp.exe';
export const SMALL_MODEL = 'tiny';
export const SMALL_TASK = 'stories-perplexity';
export const SLICED_TASK = 'story-questions';
const RESULTS = resolve(import.meta.dirname, '../../results');
const PUBLISHED_RUN = '20261123T065417-quick-nbj.jsonl';
/** Later than the published rows would make this model the first board; it should not be. */
const SECOND_RUN = 'run-2';

const ITEMS = 80;

interface Variant {
  readonly method: string;
  readonly variant: string;
  readonly zstdBytes: number;
  /** Added to the loss of every token. */
  readonly nats: number;
  /** Probability of a right answer on the common and on the rare half of the items. */
  readonly right: readonly [number, number];
  readonly trained?: boolean;
  readonly simulated?: string;
  readonly noisy?: boolean;
  readonly stale?: boolean;
}

const VARIANTS: readonly Variant[] = [
  { method: 'dense', variant: 'fp32', zstdBytes: 1_000_000, nats: 0, right: [0.95, 0.85] },
  { method: 'rounding', variant: 'w8', zstdBytes: 400_000, nats: 0.01, right: [0.94, 0.8] },
  { method: 'rounding', variant: 'w4', zstdBytes: 200_000, nats: 0.2, right: [0.9, 0.5], noisy: true },
  { method: 'training', variant: 'w4', zstdBytes: 210_000, nats: 0.05, right: [0.94, 0.82], trained: true },
  { method: 'training', variant: 'w2', zstdBytes: 100_000, nats: 0.4, right: [0.85, 0.6], trained: true },
  { method: 'training', variant: 'w8', zstdBytes: 390_000, nats: 0.01, right: [0.94, 0.84], trained: true },
  {
    method: 'dreaming',
    variant: 'w1',
    zstdBytes: 50_000,
    nats: 2,
    right: [0.4, 0.3],
    simulated: 'codes are not packed',
  },
  { method: 'cutting', variant: 's50', zstdBytes: 900_000, nats: 0.5, right: [0.7, 0.4], stale: true },
  { method: HOSTILE_METHOD, variant: HOSTILE_VARIANT, zstdBytes: 220_000, nats: 0.3, right: [0.88, 0.5] },
];

/** Leaves the store at `folder`/store.sqlite, derived; returns its path. */
export function makeSiteStore(folder: string): string {
  const path = join(folder, 'store.sqlite');
  const store = openStore(path);
  try {
    const real = catalog();
    const small = catalogOf();
    const methods = [...new Set(VARIANTS.map(({ method }) => method))].filter((id) => id !== 'dense');
    recordCatalog(store, {
      methods: [...real.methods, ...methods.map(methodEntry)],
      models: [...real.models, ...small.models],
      datasets: [...real.datasets, ...small.datasets],
      tasks: [...real.tasks, ...small.tasks],
    });
    importResults(store, publishedRun(folder));
    recordRun(store, runOf());
    recordRun(store, runOf({ id: SECOND_RUN, startedAt: timeAt(1440), finishedAt: timeAt(1500) }));
    for (const variant of VARIANTS) addVariant(store, variant);
    addFailures(store);
    deriveStore(store);
  } finally {
    store.close();
  }
  return path;
}

/** A folder with that run's rows alone: what is published later must not change what the tests expect. */
function publishedRun(folder: string): string {
  const alone = join(folder, 'results');
  mkdirSync(alone);
  copyFileSync(join(RESULTS, PUBLISHED_RUN), join(alone, PUBLISHED_RUN));
  return alone;
}

function methodEntry(id: string) {
  const trained = id === 'training';
  return methodEntryOf(id, {
    access: trained ? 'trained' : 'calibrated',
    family: id === 'cutting' ? 'pruning' : 'quantization',
    description: `What ${id} does, in a sentence or two. <b>Not bold.</b>`,
    paper: { title: `On ${id}`, authors: 'A. Author', year: 2024, url: 'javascript:alert(1)' },
  });
}

function addVariant(store: Store, of: Variant): void {
  const { method, variant, zstdBytes, nats, trained = false, simulated = null, noisy = false, stale = false } = of;
  const trial = addEntry(
    store,
    { model: SMALL_MODEL, task: SMALL_TASK },
    {
      method,
      variant,
      zstdBytes,
      nats,
      noisy,
      stale,
      fields: {
        access: method === 'dense' ? 'data-free' : trained ? 'trained' : 'calibrated',
        family: method === 'dense' ? 'control' : 'quantization',
        control: method === 'dense',
        simulated,
      },
    },
  );
  recordEvaluation(store, answersOf(trial, of));
  if (method === 'rounding') addAgain(store, trial, of);
}

/** The same variant of other code, a day later. */
function addAgain(store: Store, before: CompletedTrial, { method, variant, zstdBytes }: Variant): void {
  const trial = trialOf({
    run: SECOND_RUN,
    startedAt: timeAt(1445),
    access: before.access,
    family: before.family,
    identity: { method, variant, model: SMALL_MODEL, revision: 1 },
    artifact: artifactOf(`${method}/${variant} again`, { zstdBytes: zstdBytes + 1000 }),
  });
  recordTrial(store, trial);
  recordEvaluation(store, evaluationOf(trial, { task: SMALL_TASK, itemCount: 40, run: SECOND_RUN }));
  recordMeasurement(store, measurementOf(trial, { run: SECOND_RUN }));
}

function answersOf(trial: CompletedTrial, { right, method }: Variant) {
  const random = createRandom('answers');
  const rare = Array.from({ length: ITEMS }, (_, i) => i % 2 === 1);
  const drawn = rare.map(() => random.next());
  const correct = drawn.map((draw, i) => Number(draw < right[rare[i] ? 1 : 0]));
  const denseCorrect = drawn.map((draw, i) => Number(draw < (rare[i] ? 0.85 : 0.95)));
  const column = (of: (i: number) => number) => drawn.map((_, i) => of(i));
  const outcomes: Items = {
    ids: column((i) => i).map((i) => `question-${String(i).padStart(3, '0')}`),
    slices: rare.map((each) => (each ? 'tail' : 'head')),
    tokens: column(() => 1),
    negativeLogLikelihood: column((i) => (correct[i] ? 0.2 : 2) + drawn[i]! / 10),
    denseNegativeLogLikelihood: column((i) => (denseCorrect[i] ? 0.2 : 2) + drawn[i]! / 10),
    klDivergence: column((i) => (method === 'dense' ? 0 : Math.abs(correct[i]! - denseCorrect[i]!) + 0.01)),
    sameTop: column((i) => Number(correct[i] === denseCorrect[i])),
    correct,
    denseCorrect,
    correctToIncorrect: column((i) => Number(denseCorrect[i]! > correct[i]!)),
    incorrectToCorrect: column((i) => Number(correct[i]! > denseCorrect[i]!)),
  };
  const evaluation = evaluationOf(trial, { task: SLICED_TASK, itemCount: ITEMS, outcomes, inSample: false });
  const share = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const interval = (value: number) => ({ value, low: Math.max(0, value - 0.05), high: Math.min(1, value + 0.05) });
  const half = (values: readonly number[], isRare: boolean) => values.filter((_, i) => rare[i] === isRare);
  return {
    ...evaluation,
    quality: {
      ...evaluation.quality,
      metric: 'choice-accuracy' as const,
      higherIsBetter: true,
      estimate: interval(share(correct)),
      dense: share(denseCorrect),
      tokens: ITEMS,
      slices: [false, true].map((isRare) => ({
        slice: isRare ? 'tail' : 'head',
        items: ITEMS / 2,
        estimate: interval(share(half(correct, isRare))),
        dense: share(half(denseCorrect, isRare)),
      })),
    },
  };
}

function addFailures(store: Store): void {
  const cutting = { method: 'cutting', model: SMALL_MODEL };
  const add = (variant: string, status: 'timeout' | 'failed' | 'unsupported', reason: string) =>
    recordTrial(store, failedTrialOf(status, { identity: { ...cutting, variant }, reason, family: 'pruning' }));
  add('s90', 'timeout', 'not finished after 4 s; stopped');
  add('s99', 'failed', 'Error: <img src=x onerror=alert(1)> is not a number\n    at stack');
  add('2:4', 'unsupported', 'needs columns in fours');
}

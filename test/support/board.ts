/** A store that holds a board with something of everything: classes, both cost classes, controls, failures, stale rows. */
import { recordCatalog } from '../../drizzle/catalog.ts';
import type { Store } from '../../drizzle/client.ts';
import { recordEvaluation, recordMeasurement, recordRun, recordTrial } from '../../drizzle/record.ts';
import { catalogOf, methodEntryOf } from './catalog.ts';
import {
  type CompletedTrial,
  type Failure,
  PRESENT_REVISION,
  artifactOf,
  evaluationOf,
  failedTrialOf,
  itemsOf,
  measurementOf,
  runOf,
  trialOf,
} from './rows.ts';

export interface Place {
  readonly model: string;
  readonly task: string;
}

interface Entry {
  readonly method: string;
  readonly variant: string;
  readonly seed?: number;
  /** Of the zstd-compressed artifact; dense has 1,000,000. */
  readonly zstdBytes?: number;
  /** Added to the loss of every token: orders entries without a doubt. */
  readonly nats?: number;
  readonly fields?: Partial<Pick<CompletedTrial, 'family' | 'access' | 'control' | 'simulated' | 'notes'>>;
  readonly noisy?: boolean;
  /** From code that is not the catalog's. */
  readonly stale?: boolean;
  /** Id of the run that wrote it; one that is recorded. */
  readonly run?: string;
}

const METHODS = ['dense', 'rounding', 'cutting', 'training', 'guessing', 'dreaming'];

export function fillBoard(store: Store, place: Place): void {
  recordCatalog(store, catalogOf({ methods: METHODS.map((id) => methodEntryOf(id)) }));
  recordRun(store, runOf());
  const add = (entry: Entry) => addEntry(store, place, entry);
  add({ method: 'dense', variant: 'fp32', zstdBytes: 1_000_000, fields: { access: 'data-free', control: true } });
  add({ method: 'rounding', variant: 'w8', zstdBytes: 400_000, nats: 0.01 });
  add({ method: 'rounding', variant: 'w4', zstdBytes: 200_000, nats: 0.2, noisy: true });
  add({ method: 'training', variant: 'w4', zstdBytes: 210_000, nats: 0.1, fields: { access: 'trained' } });
  add({ method: 'guessing', variant: 's50', zstdBytes: 450_000, nats: 3, fields: { control: true } });
  add({ method: 'dreaming', variant: 'w1', zstdBytes: 50_000, nats: 9, fields: { simulated: 'not packed' } });
  add({ method: 'cutting', variant: 's50', zstdBytes: 900_000, nats: 0.5, stale: true });
  addFailure(store, place, { variant: 's90', status: 'timeout', reason: 'not finished after 4 s; stopped' });
  addFailure(store, place, { variant: 's95', status: 'timeout', reason: 'not finished after 4 s; stopped' });
  addFailure(store, place, { variant: 's99', status: 'failed', reason: `Error: ${'long '.repeat(60)}\n    at stack` });
}

export function addEntry(store: Store, { model, task }: Place, entry: Entry): CompletedTrial {
  const { method, variant, seed = 0, zstdBytes = 500_000, nats = 0, fields = {}, noisy = false, stale, run } = entry;
  const revision = stale ? PRESENT_REVISION - 1 : PRESENT_REVISION;
  const trial = trialOf({
    ...fields,
    ...(run === undefined ? {} : { run }),
    identity: { method, revision, variant, model, seed },
    artifact: artifactOf(`${method}/${variant}/${seed}`, { zstdBytes }),
  });
  recordTrial(store, trial);
  const outcomes = itemsOf('the same items', 40);
  const scaled = outcomes.denseNegativeLogLikelihood.map((sum, i) => sum + nats * (outcomes.tokens[i] ?? 0));
  const loss = sumOf(scaled) / sumOf(outcomes.tokens);
  const evaluation = evaluationOf(trial, {
    task,
    itemCount: 40,
    outcomes: { ...outcomes, negativeLogLikelihood: scaled },
  });
  const estimate = { value: Math.exp(loss), low: Math.exp(loss - 0.02), high: Math.exp(loss + 0.02) };
  recordEvaluation(store, { ...evaluation, quality: { ...evaluation.quality, estimate } });
  const measurement = measurementOf(trial);
  const latency = measurement.latency.map((shape) => ({ ...shape, noisy }));
  recordMeasurement(store, { ...measurement, latency });
  return trial;
}

function addFailure(
  store: Store,
  { model }: Place,
  { variant, status, reason }: { readonly variant: string; readonly status: Failure; readonly reason: string },
): void {
  const identity = { method: 'cutting', variant, model };
  recordTrial(store, failedTrialOf(status, { identity, reason }));
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

/**
 * A store as years of nightly runs would leave it: models × variants × seeds, made anew by several generations of code, with
 * qualities, sizes and speeds that hang together. The same size gives the same rows.
 */
import { recordCatalog } from '../../drizzle/catalog.ts';
import type { Store } from '../../drizzle/client.ts';
import { insertResult, insertRun } from '../../drizzle/insert.ts';
import { type Access, FAMILIES, type Family } from '../../contracts/taxonomy.ts';
import type { EvaluationRow, Items, Row, ShapeLatency, TrialRow } from '../../contracts/result.ts';
import { createRandom } from '../../numerics/tensor/random.ts';
import { catalogOf, methodEntryOf } from './catalog.ts';
import {
  type CompletedTrial,
  artifactOf,
  costOf,
  evaluationOf,
  failedTrialOf,
  measurementOf,
  runOf,
  sha256Of,
  timeAt,
  trialOf,
} from './rows.ts';

export interface LargeStoreSize {
  readonly models: number;
  /** The first of a model is a perplexity, the others accuracies with two slices. */
  readonly tasks: number;
  readonly methods: number;
  readonly variantsPerMethod: number;
  readonly seeds: number;
  /** States of the code, one run each. */
  readonly generations: number;
  readonly items: number;
}

/** Trials of a store of this size, dense ones aside. */
export function trialCount(size: LargeStoreSize): number {
  return size.models * size.methods * size.variantsPerMethod * size.seeds * size.generations;
}

export function fillLargeStore(store: Store, size: LargeStoreSize): void {
  const methods = Array.from({ length: size.methods }, (_, index) => methodAt(index));
  const tasks = Array.from({ length: size.tasks }, (_, task) => taskAt(task));
  recordCatalog(
    store,
    catalogOf({
      methods: [DENSE, ...methods].map(({ id, family, access }) =>
        methodEntryOf(id, {
          family,
          access,
          control: id === DENSE.id,
          revision: size.generations,
          variants: Array.from({ length: size.variantsPerMethod }, (_, v) => ({ id: `v${v}`, params: { dial: v } })),
        }),
      ),
      models: Array.from({ length: size.models }, (_, model) => ({
        id: `model-${model}`,
        title: `Model ${model}`,
        architecture: 'llama',
        licence: 'MIT',
        citation: 'A. Author, 2024',
        trainedOn: [],
        revision: sha256Of('revision of tiny'),
      })),
      tasks,
    }),
  );
  store.database.transaction(
    (transaction) => {
      for (const row of rowsOf(size)) {
        if (row.kind === 'run') insertRun(transaction, row);
        else insertResult(transaction, row);
      }
    },
    { behavior: 'immediate' },
  );
}

interface MethodFacts {
  readonly id: string;
  readonly family: Family;
  readonly access: Access;
}

const DENSE: MethodFacts = { id: 'dense', family: 'control', access: 'data-free' };

function methodAt(index: number): MethodFacts {
  const family = FAMILIES[1 + (index % (FAMILIES.length - 1))] as Family;
  const access = (['data-free', 'calibrated', 'trained'] as const)[index % 3] as Access;
  return { id: `${family}-${index}`, family, access };
}

function taskAt(task: number) {
  const accuracy = task > 0;
  return {
    id: `task-${task}`,
    title: `Task ${task}`,
    dataset: 'stories',
    metric: accuracy ? 'choice-accuracy' : 'perplexity',
    higherIsBetter: accuracy,
    ...(accuracy && { chance: 0.5, slices: ['common', 'rare'] }),
    description: 'What a synthetic model is asked.',
  };
}

function* rowsOf(size: LargeStoreSize): Generator<Row> {
  for (let generation = 0; generation < size.generations; generation++) {
    const run = `generation-${generation}`;
    const place = { run, startedAt: timeAt(generation * 1440), generation };
    yield runOf({ id: run, startedAt: place.startedAt, suite: 'nightly' });
    for (let model = 0; model < size.models; model++) {
      yield* variantRows(size, { ...place, model, method: DENSE, variant: 0, seed: 0 });
      for (let method = 0; method < size.methods; method++) {
        for (let variant = 0; variant < size.variantsPerMethod; variant++) {
          for (let seed = 0; seed < size.seeds; seed++) {
            yield* variantRows(size, { ...place, model, method: methodAt(method), variant, seed });
          }
        }
      }
    }
  }
}

interface Place {
  readonly run: string;
  readonly startedAt: string;
  readonly generation: number;
  readonly model: number;
  readonly method: MethodFacts;
  readonly variant: number;
  readonly seed: number;
}

/** One in a hundred fails. */
const FAILING = 0.01;

function* variantRows(size: LargeStoreSize, place: Place): Generator<Row> {
  const { run, startedAt, generation, model, method, variant, seed } = place;
  const { id, family, access } = method;
  const dense = id === DENSE.id;
  const dial = createRandom(`${id}/${variant}/${model}`);
  const random = createRandom(`${id}/${variant}/${model}/${seed}/${generation}`);
  const ratio = dense ? 1 : 1.2 * Math.exp(2.8 * dial.next());
  const nats = dense ? 0 : 0.02 * ratio * dial.next() * (access === 'trained' ? 0.6 : 1);
  const zstdBytes = Math.round(1_000_000 / ratio);
  const fields = {
    run,
    startedAt,
    family,
    access,
    control: dense,
    identity: {
      method: id,
      revision: generation + 1,
      variant: dense ? 'fp32' : `v${variant}`,
      params: { dial: variant },
      model: `model-${model}`,
      seed,
    },
  };
  if (!dense && random.next() < FAILING) {
    yield failedTrialOf('timeout', fields) satisfies TrialRow;
    return;
  }
  const cost = costOf(`${id}/${variant}/${seed}/${generation}`);
  const seconds = access === 'trained' ? 60 + 600 * dial.next() : dial.next();
  const trial = trialOf({
    ...fields,
    artifact: artifactOf(JSON.stringify(fields.identity), { zstdBytes }),
    cost: { ...cost, cpuSeconds: seconds * (0.9 + 0.2 * random.next()), wallSeconds: seconds, deviceSeconds: null },
  });
  yield trial;
  for (let task = 0; task < size.tasks; task++) yield evaluationRow(trial, { task, nats, items: size.items });
  const measurement = measurementOf(trial);
  const speedUp = 0.6 + dial.next();
  yield {
    ...measurement,
    latency: measurement.latency.map((latency): ShapeLatency => {
      const value = speedUp * (0.97 + 0.06 * random.next());
      return { ...latency, speedUp: { value, low: value * 0.98, high: value * 1.02 }, noisy: random.next() < 0.05 };
    }),
  };
}

function evaluationRow(
  trial: CompletedTrial,
  { task, nats, items }: { readonly task: number; readonly nats: number; readonly items: number },
): EvaluationRow {
  const facts = taskAt(task);
  const outcomes = outcomesOf(trial, { accuracy: task > 0, nats, items });
  const metric = task > 0 ? ('choice-accuracy' as const) : ('perplexity' as const);
  const evaluation = evaluationOf(trial, { task: facts.id, itemCount: 1, startedAt: trial.startedAt });
  return { ...evaluation, inSample: false, quality: qualityOf(outcomes, metric), outcomes };
}

/** With intervals of a made-up width: resampling every row would take minutes, and nothing looks into them. */
function qualityOf(outcomes: Items, metric: 'perplexity' | 'choice-accuracy') {
  const total = outcomes.tokens.reduce((sum, tokens) => sum + tokens, 0);
  const mean = (column: readonly number[], keep: (i: number) => boolean = () => true) => {
    const kept = column.map((_, i) => i).filter(keep);
    const sumOver = (values: readonly number[]) => kept.reduce((sum, i) => sum + (values[i] as number), 0);
    return sumOver(column) / sumOver(outcomes.tokens);
  };
  const perplexity = metric === 'perplexity';
  const of = (dense: boolean, keep?: (i: number) => boolean) =>
    perplexity
      ? Math.exp(mean(dense ? outcomes.denseNegativeLogLikelihood : outcomes.negativeLogLikelihood, keep))
      : mean(dense ? outcomes.denseCorrect : outcomes.correct, keep);
  const around = (value: number) => ({ value, low: value * 0.97, high: value * 1.03 });
  const slices = ['common', 'rare'].map((slice) => {
    const keep = (i: number) => outcomes.slices?.[i] === slice;
    return {
      slice,
      items: outcomes.slices?.filter((each) => each === slice).length ?? 0,
      estimate: around(of(false, keep)),
      dense: of(true, keep),
    };
  });
  return {
    metric,
    higherIsBetter: !perplexity,
    estimate: around(of(false)),
    dense: of(true),
    items: outcomes.ids.length,
    tokens: total,
    ...(outcomes.slices && { slices }),
  };
}

function outcomesOf(
  trial: CompletedTrial,
  { accuracy, nats, items }: { readonly accuracy: boolean; readonly nats: number; readonly items: number },
): Items {
  const shared = createRandom(`items of ${trial.identity.model}`);
  const own = createRandom(trial.key);
  const column = (of: (i: number) => number): number[] => Array.from({ length: items }, (_, i) => of(i));
  const tokens = column(() => (accuracy ? 1 : 200 + shared.integer(300)));
  const difficulty = column(() => shared.next());
  const dense = column((i) => (tokens[i] as number) * (1 + (difficulty[i] as number)));
  const loss = column((i) => (dense[i] as number) + (tokens[i] as number) * nats * (1 + 0.2 * own.normal()));
  const right = (losses: readonly number[]) =>
    column((i) =>
      Math.round((tokens[i] as number) * Math.max(0, 1 - (losses[i] as number) / (tokens[i] as number) / 3)),
    );
  const [correct, denseCorrect] = [right(loss), right(dense)];
  return {
    ids: tokens.map((_, i) => `item-${i}`),
    ...(accuracy && { slices: tokens.map((_, i) => (i % 3 === 0 ? 'rare' : 'common')) }),
    tokens,
    negativeLogLikelihood: loss.map((value) => Math.max(0, value)),
    denseNegativeLogLikelihood: dense,
    klDivergence: column((i) => (tokens[i] as number) * nats * 0.1 * own.next()),
    sameTop: correct,
    correct,
    denseCorrect,
    correctToIncorrect: column((i) => Math.max(0, (denseCorrect[i] as number) - (correct[i] as number))),
    incorrectToCorrect: column((i) => Math.max(0, (correct[i] as number) - (denseCorrect[i] as number))),
  };
}

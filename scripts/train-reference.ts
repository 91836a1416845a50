/**
 * Trains an embedded reference model from nothing with ShrinkRank's own engine: `npm run train-reference -- <model>`.
 * Writes models/tinyworld/<model>.onnx and the learning curve beside it, and prints the file's SHA-256 for the definition.
 */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { SingleBar } from 'cli-progress';
import { datasets } from '../datasets/index.ts';
import { unknownId } from '../harness/contracts/errors.ts';
import type { Splits } from '../harness/contracts/dataset.ts';
import type { Model } from '../harness/contracts/model.ts';
import type { TaskItems } from '../harness/contracts/task-items.ts';
import { evaluateTask } from '../harness/evaluate/evaluate-task.ts';
import { encodeRow } from '../harness/model/encode-row.ts';
import { taskItems } from '../harness/model/task-items.ts';
import type { OnnxModel } from '../harness/onnx/graph.ts';
import { writeModel } from '../harness/onnx/write.ts';
import { createRandom } from '../harness/tensor/random.ts';
import { tensorOf } from '../harness/tensor/tensor.ts';
import type { FeedSource } from '../harness/training/feed-source.ts';
import { classificationCrossEntropy, type Loss, nextTokenCrossEntropy } from '../harness/training/loss.ts';
import { adamW } from '../harness/training/optimizer.ts';
import { withParameters } from '../harness/training/parameters.ts';
import { cosineSchedule } from '../harness/training/schedule.ts';
import { train } from '../harness/training/train.ts';
import { buildBert } from '../models/shared/bert-graph.ts';
import { initialBertWeights } from '../models/shared/bert-weights.ts';
import { type BytePairTokenizer, readBytePairTokenizer } from '../models/shared/byte-pair-tokenizer.ts';
import { buildGpt } from '../models/shared/gpt-graph.ts';
import { type GptConfig, initialGptWeights } from '../models/shared/gpt-weights.ts';
import { TINYWORLD_BERT, TINYWORLD_GPT, TINYWORLD_GPT_SMALL } from '../models/shared/tinyworld-models.ts';

const FOLDER = resolve(import.meta.dirname, '../models/tinyworld');
const SEED = 'reference-1';

interface Recipe {
  readonly dataset: string;
  readonly batch: number;
  readonly sequence: number;
  readonly steps: number;
  readonly peak: number;
  readonly warmUp: number;
  /** Steps between two points of the learning curve. */
  readonly every: number;
  readonly model: () => Model;
  readonly kind: 'decoder' | 'encoder';
}

const gpt = (id: string, config: GptConfig, peak: number): Recipe => ({
  dataset: 'tinyworld',
  batch: 16,
  sequence: 256,
  steps: 5000,
  peak,
  warmUp: 200,
  every: 500,
  model: () => buildGpt(id, config, initialGptWeights(config, createRandom(`${SEED}/${id}`))),
  kind: 'decoder',
});

const RECIPES: Readonly<Record<string, Recipe>> = {
  'tinyworld-gpt': gpt('tinyworld-gpt', TINYWORLD_GPT, 2e-3),
  'tinyworld-gpt-small': gpt('tinyworld-gpt-small', TINYWORLD_GPT_SMALL, 4e-3),
  'tinyworld-bert': {
    dataset: 'tinyworld-entailment',
    batch: 32,
    sequence: 160,
    steps: 10_000,
    peak: 1e-3,
    warmUp: 500,
    every: 500,
    model: () =>
      buildBert(
        'tinyworld-bert',
        TINYWORLD_BERT,
        initialBertWeights(TINYWORLD_BERT, createRandom(`${SEED}/tinyworld-bert`)),
      ),
    kind: 'encoder',
  },
};

async function trainReference(name: string, { dataset: datasetId, ...recipe }: Recipe): Promise<void> {
  const dataset = datasets.find((known) => known.id === datasetId);
  if (!dataset)
    throw unknownId(
      'dataset',
      datasetId,
      datasets.map((known) => known.id),
    );
  const splits = await dataset.load({ file: () => Promise.reject(new Error('TinyWorld needs no hub')) });
  const tokenizer = readBytePairTokenizer(readFileSync(join(FOLDER, 'merges.json')));
  const model = recipe.model();
  const encoding = { tokenizer, contextLength: recipe.sequence, kind: recipe.kind };
  const [task] = dataset.tasks;
  if (!task) throw unknownId('task of', datasetId, []);
  const validation = taskItems(task, splits.validation, { ...encoding, contextLength: model.contextLength });
  const steps = Number(process.env['STEPS'] ?? recipe.steps);
  const curve: { step: number; validation: number }[] = [];
  const startedMs = performance.now();
  const bar = new SingleBar({
    format: `{bar} {value}/{total} steps · loss {loss} · validation {validation} · {rate} tokens/s · {eta_formatted} left`,
    noTTYOutput: false,
  });
  bar.start(steps, 0, { loss: '—', validation: '—', rate: '—' });
  const { model: trained, history } = await train({
    model: model.onnx,
    loss: lossOf(recipe.kind),
    feeds: [
      recipe.kind === 'decoder' ? decoderFeeds(splits, tokenizer, recipe) : encoderFeeds(splits, tokenizer, recipe),
    ],
    optimizer: adamW({ weightDecay: 0.1, beta2: 0.98 }),
    schedule: cosineSchedule({ peak: recipe.peak, warmUp: recipe.warmUp, steps, floor: 0.02 }),
    steps,
    tokensPerBatch: recipe.batch * recipe.sequence,
    hooks: [
      {
        every: recipe.every,
        async run({ step, parameters }) {
          if (step === 0) return;
          const value = await validate(withParameters(model.onnx, parameters), validation);
          curve.push({ step, validation: value });
          bar.update({ validation: value.toFixed(4) });
          if (!process.stderr.isTTY) console.error(`${name} step ${step}: validation ${value.toFixed(4)}`);
        },
      },
    ],
    onProgress: ({ step, loss, tokensPerSecond }) =>
      bar.update(step, { loss: loss.toFixed(4), rate: tokensPerSecond.toFixed(0) }),
  });
  bar.stop();
  curve.push({ step: steps, validation: await validate(trained, validation) });
  const seconds = (performance.now() - startedMs) / 1000;
  const bytes = writeModel(trained);
  writeFileSync(join(FOLDER, `${name}.onnx`), bytes);
  const training = history.loss.filter((_, step) => step % 100 === 99);
  const record = {
    model: name,
    seed: SEED,
    steps,
    seconds: Math.round(seconds),
    metric: validation.metric,
    validation: curve,
    training,
  };
  writeFileSync(join(FOLDER, `${name}.curve.json`), `${JSON.stringify(record, undefined, 2)}\n`);
  console.log(
    `${name}: ${(bytes.byteLength / 1e6).toFixed(2)} MB, ${seconds.toFixed(0)} s, sha256 ${createHash('sha256').update(bytes).digest('hex')}`,
  );
}

function lossOf(kind: Recipe['kind']): Loss {
  return kind === 'decoder' ? nextTokenCrossEntropy() : classificationCrossEntropy();
}

async function validate(model: OnnxModel, task: TaskItems): Promise<number> {
  const { quality } = await evaluateTask({ dense: model, candidate: model, task });
  return quality.estimate.value;
}

type Shape = Pick<Recipe, 'batch' | 'sequence'>;

/** Documents one to a row, padded on the right, each epoch in an order of its own. */
function decoderFeeds(splits: Splits, tokenizer: BytePairTokenizer, { batch, sequence }: Shape): FeedSource {
  const encoding = { tokenizer, contextLength: sequence + 1, kind: 'decoder' as const };
  const rows = splits.training.map((row) => encodeRow(row, encoding));
  const batchAt = epochsOf(rows, batch);
  const dims = [batch, sequence];
  return {
    shapes: { input_ids: dims, targets: dims, target_weights: dims },
    at(index) {
      const ids = new BigInt64Array(batch * sequence).fill(BigInt(tokenizer.padding));
      const targets = new BigInt64Array(batch * sequence);
      const weights = new Float32Array(batch * sequence);
      for (const [place, row] of batchAt(index).entries()) {
        for (let at = 0; at + 1 < row.length; at++) {
          ids[place * sequence + at] = BigInt(row[at] as number);
          targets[place * sequence + at] = BigInt(row[at + 1] as number);
          weights[place * sequence + at] = 1;
        }
      }
      return {
        input_ids: tensorOf('int64', dims, ids),
        targets: tensorOf('int64', dims, targets),
        target_weights: tensorOf('float32', dims, weights),
      };
    },
  };
}

function encoderFeeds(splits: Splits, tokenizer: BytePairTokenizer, { batch, sequence }: Shape): FeedSource {
  const encoding = { tokenizer, contextLength: sequence, kind: 'encoder' as const };
  const rows = splits.training.map((row) => ({ tokens: encodeRow(row, encoding), label: row.label ?? 0 }));
  const batchAt = epochsOf(rows, batch);
  const dims = [batch, sequence];
  return {
    shapes: { input_ids: dims, attention_mask: dims, labels: [batch] },
    at(index) {
      const ids = new BigInt64Array(batch * sequence).fill(BigInt(tokenizer.padding));
      const mask = new BigInt64Array(batch * sequence);
      const labels = new BigInt64Array(batch);
      for (const [place, { tokens, label }] of batchAt(index).entries()) {
        labels[place] = BigInt(label);
        for (const [at, token] of tokens.entries()) {
          ids[place * sequence + at] = BigInt(token);
          mask[place * sequence + at] = 1n;
        }
      }
      return {
        input_ids: tensorOf('int64', dims, ids),
        attention_mask: tensorOf('int64', dims, mask),
        labels: tensorOf('int64', [batch], labels),
      };
    },
  };
}

/** The rows of a batch, of the endless sequence of shuffled epochs. */
function epochsOf<T>(rows: readonly T[], batch: number): (index: number) => T[] {
  const perEpoch = Math.floor(rows.length / batch);
  let current = { epoch: -1, order: [] as readonly T[] };
  return (index) => {
    const epoch = Math.floor(index / perEpoch);
    if (current.epoch !== epoch) current = { epoch, order: createRandom(`${SEED}/epoch-${epoch}`).shuffle(rows) };
    const start = (index % perEpoch) * batch;
    return current.order.slice(start, start + batch);
  };
}

const id = process.argv[2] ?? '';
const recipe = RECIPES[id];
if (!recipe) throw unknownId('reference model', id, Object.keys(RECIPES));
await trainReference(id, recipe);

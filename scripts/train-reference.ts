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
import type { Model } from '../harness/contracts/model.ts';
import type { TaskItems } from '../harness/contracts/task-items.ts';
import { evaluateTask } from '../harness/evaluate/evaluate-task.ts';
import { encodeExamples } from '../harness/model/draw-examples.ts';
import { taskItems } from '../harness/model/task-items.ts';
import type { OnnxModel } from '../harness/onnx/graph.ts';
import { writeModel } from '../harness/onnx/write.ts';
import { createRandom } from '../harness/tensor/random.ts';
import { tokenBatches } from '../harness/training/batches.ts';
import { classificationCrossEntropy, nextTokenCrossEntropy } from '../harness/training/loss.ts';
import { adamW } from '../harness/training/optimizer.ts';
import { withParameters } from '../harness/training/parameters.ts';
import { cosineSchedule } from '../harness/training/schedule.ts';
import { train } from '../harness/training/train.ts';
import { buildBert } from '../models/shared/bert-graph.ts';
import { initialBertWeights } from '../models/shared/bert-weights.ts';
import { readBytePairTokenizer } from '../models/shared/byte-pair-tokenizer.ts';
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
  const [task] = dataset.tasks;
  if (!task) throw unknownId('task of', datasetId, []);
  const validation = taskItems(task, splits.validation, {
    tokenizer,
    kind: model.kind,
    contextLength: model.contextLength,
  });
  const decoder = model.kind === 'decoder';
  const batches = tokenBatches({
    examples: encodeExamples({
      dataset: dataset.id,
      rows: splits.training,
      tokenizer,
      kind: model.kind,
      contextLength: recipe.sequence + (decoder ? 1 : 0),
    }),
    batch: recipe.batch,
    sequence: recipe.sequence,
    seed: SEED,
    padding: tokenizer.padding,
    task: decoder ? 'next-token' : 'classification',
    inputs: decoder ? [] : ['attention_mask'],
  });
  const { steps } = recipe;
  const curve: { step: number; validation: number }[] = [];
  const startedMs = performance.now();
  const bar = new SingleBar({
    format: `{bar} {value}/{total} steps · loss {loss} · validation {validation} · {rate} tokens/s · {eta_formatted} left`,
    noTTYOutput: false,
  });
  bar.start(steps, 0, { loss: '—', validation: '—', rate: '—' });
  const { model: trained, history } = await train({
    model: model.onnx,
    loss: decoder ? nextTokenCrossEntropy() : classificationCrossEntropy(),
    feeds: [batches],
    optimizer: adamW({ weightDecay: 0.1, beta2: 0.98 }),
    schedule: cosineSchedule({ peak: recipe.peak, warmUp: recipe.warmUp, steps, floor: 0.02 }),
    steps,
    tokensPerBatch: batches.tokensPerBatch,
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

async function validate(model: OnnxModel, task: TaskItems): Promise<number> {
  const { quality } = await evaluateTask({ dense: model, candidate: model, task });
  return quality.estimate.value;
}

const id = process.argv[2] ?? '';
const recipe = RECIPES[id];
if (!recipe) throw unknownId('reference model', id, Object.keys(RECIPES));
await trainReference(id, recipe);

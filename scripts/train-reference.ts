/**
 * Trains an embedded reference model from random weights with ShrinkRank's own engine:
 *   npm run train-reference -- <model> [--seed reference-1] [--to models/tinyworld]
 * Writes <model>.onnx, the record <model>.json (learning curves, times, final metrics on the test items) and the card
 * <model>.md, and prints the SHA-256 that the model's definition pins. The same seed gives the same weights on the same kind
 * of machine; another seed gives another model of the same quality.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { SingleBar } from 'cli-progress';
import { datasets } from '../datasets/index.ts';
import { findDataset } from '../cli/setup/registry.ts';
import type { DatasetDefinition, SplitName } from '../contracts/dataset.ts';
import { unknownId } from '../contracts/errors.ts';
import type { Model } from '../engine/definitions/model.ts';
import type { TaskItems } from '../contracts/task-items.ts';
import { evaluateTask } from '../harness/judge/evaluate-task.ts';
import { readMachine } from '../harness/measure/machine.ts';
import { encodeExamples } from '../engine/model/draw-examples.ts';
import { kindFor } from '../engine/model/encode-row.ts';
import { taskItems } from '../engine/model/task-items.ts';
import type { OnnxModel } from '../numerics/onnx/graph.ts';
import { writeModel } from '../numerics/onnx/write.ts';
import { createRandom } from '../numerics/tensor/random.ts';
import { type Batches, tokenBatches } from '../engine/training/batches.ts';
import type { FeedSource } from '../engine/training/feed-source.ts';
import { extendModel } from '../engine/training/graph-writer.ts';
import { nextTokenCrossEntropy, taskLoss, weightedLosses } from '../engine/training/loss.ts';
import { maskTokens } from '../engine/training/mask-tokens.ts';
import { adamW } from '../engine/training/optimizer.ts';
import { withParameters } from '../engine/training/parameters.ts';
import { cosineSchedule } from '../engine/training/schedule.ts';
import { train, type TrainOptions } from '../engine/training/train.ts';
import { buildBert } from '../models/shared/bert-graph.ts';
import { initialBertWeights } from '../models/shared/bert-weights.ts';
import { readBytePairTokenizer, SPECIAL_TOKENS } from '../models/shared/byte-pair-tokenizer.ts';
import { buildGpt } from '../models/shared/gpt-graph.ts';
import { type GptConfig, initialGptWeights } from '../models/shared/gpt-weights.ts';
import { TINYWORLD_BERT, TINYWORLD_GPT, TINYWORLD_GPT_SMALL } from '../models/shared/tinyworld-models.ts';
import { type PhaseRecord, type ReferenceRecord, renderReferenceCard } from './reference-card.ts';

const FOLDER = resolve(import.meta.dirname, '../models/tinyworld');
/** The same on every machine, because the order of summation may depend on it. */
const THREADS = 2;
const WEIGHT_DECAY = 0.1;
const BETA2 = 0.98;
/** Of the highest learning rate, at the last step. */
const FLOOR = 0.02;
const MASKED: ReadonlySet<Phase['objective']> = new Set(['masked tokens and entailment']);
/** Of the story, and of the statement: what a statement says is found in its story, which is what is to be learned. */
const MASKED_SHARES = [0.15, 0.4] as const;
/** Time between two lines of progress where there is no terminal. */
const STEPS_PER_LINE = 200;

interface Phase {
  readonly objective: 'next token' | 'masked tokens and entailment' | 'entailment';
  readonly dataset: string;
  readonly batch: number;
  readonly sequence: number;
  readonly steps: number;
  /** Highest learning rate, reached after the warm-up. */
  readonly peak: number;
  readonly warmUp: number;
  /** Steps between two points of the learning curve. */
  readonly every: number;
}

interface Recipe {
  readonly model: (id: string, seed: string) => Model;
  readonly phases: readonly Phase[];
}

const gpt = (config: GptConfig, phase: Pick<Phase, 'steps' | 'peak'>): Recipe => ({
  model: (id, seed) => buildGpt(id, config, initialGptWeights(config, createRandom(`${seed}/${id}`))),
  phases: [
    { objective: 'next token', dataset: 'tinyworld', batch: 16, sequence: 256, warmUp: 200, every: 500, ...phase },
  ],
});

const RECIPES: Readonly<Record<string, Recipe>> = {
  'tinyworld-gpt': gpt(TINYWORLD_GPT, { steps: 5000, peak: 2e-3 }),
  'tinyworld-gpt-small': gpt(TINYWORLD_GPT_SMALL, { steps: 5000, peak: 4e-3 }),
  'tinyworld-bert': {
    model: (id, seed) =>
      buildBert(id, TINYWORLD_BERT, initialBertWeights(TINYWORLD_BERT, createRandom(`${seed}/${id}`))),
    phases: [
      // As BERT is pre-trained: masked tokens together with a question about the pair of texts.
      {
        objective: 'masked tokens and entailment',
        dataset: 'tinyworld-entailment',
        batch: 32,
        sequence: 96,
        steps: 5000,
        peak: 2e-3,
        warmUp: 300,
        every: 500,
      },
      {
        objective: 'entailment',
        dataset: 'tinyworld-entailment',
        batch: 32,
        sequence: 96,
        steps: 2500,
        peak: 5e-4,
        warmUp: 200,
        every: 500,
      },
    ],
  },
};

interface Tools {
  readonly id: string;
  readonly seed: string;
  readonly tokenizer: ReturnType<typeof readBytePairTokenizer>;
}

async function trainReference({ model, phases }: Recipe, tools: Tools, folder: string): Promise<void> {
  const { id, seed } = tools;
  const startedMs = performance.now();
  const fresh = model(id, seed);
  let { onnx } = fresh;
  const records: PhaseRecord[] = [];
  for (const phase of phases) {
    const done = await runPhase(phase, fresh.withOnnx(onnx), tools);
    onnx = withParameters(onnx, done.parameters);
    records.push(done.record);
  }
  const seconds = Math.round((performance.now() - startedMs) / 1000);
  const bytes = writeModel(onnx);
  const { cpuModel, cores, node, onnxRuntime } = readMachine();
  const record: ReferenceRecord = {
    model: id,
    seed,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    fileBytes: bytes.byteLength,
    parameters: [...onnx.graph.initializers.values()]
      .filter(({ dtype }) => dtype === 'float32')
      .reduce((sum, { dims }) => sum + dims.reduce((product, dim) => product * dim, 1), 0),
    machine: `${cpuModel}, ${cores} cores, ${THREADS} threads, Node ${node}, onnxruntime ${onnxRuntime}`,
    seconds,
    phases: records,
    tasks: await testMetrics(fresh.withOnnx(onnx), tools),
  };
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${id}.onnx`), bytes);
  writeFileSync(join(folder, `${id}.json`), `${JSON.stringify(record, undefined, 2)}\n`);
  writeFileSync(join(folder, `${id}.md`), renderReferenceCard(record));
  console.log(`${id}: ${(bytes.byteLength / 1e6).toFixed(2)} MB, ${seconds} s, sha256 ${record.sha256}`);
}

async function runPhase(phase: Phase, model: Model, tools: Tools) {
  const { objective, steps, peak, warmUp, every } = phase;
  const dataset = findDataset(phase.dataset);
  const batches = await batchesOf(phase, dataset, model, tools);
  const validation = await itemsOf(dataset, 'validation', model, tools);
  const task = MASKED.has(objective) ? predictingTokens(model) : { model: model.onnx, loss: taskLoss(model) };
  const curve: { step: number; validation: number }[] = [];
  const startedMs = performance.now();
  const say = createProgress(`${tools.id} · ${objective}`, steps);
  const validate = async (step: number, parameters: ReadonlyMap<string, Float32Array>) => {
    if (step === 0) return;
    const value = await valueOf(withParameters(model.onnx, parameters), validation);
    curve.push({ step, validation: value });
    say.validation(step, value);
  };
  const { parameters, history } = await train({
    ...task,
    feeds: [batches],
    optimizer: adamW({ weightDecay: WEIGHT_DECAY, beta2: BETA2 }),
    schedule: cosineSchedule({ peak, warmUp, steps, floor: FLOOR }),
    steps,
    threads: THREADS,
    tokensPerBatch: phase.batch * phase.sequence,
    hooks: [{ every, run: ({ step, parameters }) => validate(step, parameters) }],
    onProgress: say.progress,
  });
  await validate(steps, parameters);
  say.stop();
  const record: PhaseRecord = {
    objective,
    dataset: phase.dataset,
    steps,
    tokens: steps * phase.batch * phase.sequence,
    arrangement: arrangementOf(model),
    batch: phase.batch,
    sequence: phase.sequence,
    learningRate: peak,
    seconds: Math.round((performance.now() - startedMs) / 1000),
    metric: validation.metric,
    validation: curve,
    training: windows(history.loss, every),
  };
  return { parameters, record };
}

/** Mean training loss over each window of steps. */
function windows(loss: readonly number[], every: number): PhaseRecord['training'] {
  return Array.from({ length: Math.ceil(loss.length / every) }, (_, at) => {
    const part = loss.slice(at * every, (at + 1) * every);
    return { step: at * every + part.length, loss: part.reduce((sum, value) => sum + value, 0) / part.length };
  });
}

async function batchesOf(
  { objective, batch, sequence }: Phase,
  dataset: DatasetDefinition,
  model: Model,
  { seed, tokenizer }: Tools,
): Promise<Batches | FeedSource> {
  const decoder = model.kind === 'decoder';
  const batches = tokenBatches({
    examples: encodeExamples({
      dataset: dataset.id,
      rows: (await splitsOf(dataset)).training,
      tokenizer,
      kind: model.kind,
      contextLength: decoder ? Infinity : sequence,
    }),
    batch,
    sequence,
    seed: `${seed}/${objective}`,
    arrangement: arrangementOf(model),
    padding: tokenizer.padding,
    task: decoder ? 'next-token' : 'classification',
    inputs: decoder ? [] : ['attention_mask'],
  });
  if (!MASKED.has(objective)) return batches;
  return maskTokens(batches, {
    seed,
    shares: MASKED_SHARES,
    separator: tokenizer.separator,
    mask: tokenizer.mask,
    firstOrdinary: SPECIAL_TOKENS.length,
    vocabularySize: tokenizer.vocabularySize,
  });
}

/** As methods fine-tune, so that what they change is the model and not what it is used to. */
function arrangementOf({ kind }: Model): 'pad' | 'pack' {
  return kind === 'decoder' ? 'pack' : 'pad';
}

/** The encoder with the transposed embedding as a second output layer beside its classifier, and the loss of both. */
function predictingTokens(model: Model): Pick<TrainOptions, 'model' | 'loss'> {
  const { embedding, layers } = model.roles;
  const w = extendModel(model.onnx, 'masked/');
  const logits = w.matmul(layers.at(-1)?.output ?? '', w.transpose(embedding.weight, [1, 0]), { output: 'logits' });
  const type = { kind: 'tensor', dtype: 'float32', dims: ['batch', 'sequence', 'vocabulary'] } as const;
  return {
    model: w.finish({ outputs: [...model.onnx.graph.outputs, { name: logits, type }] }),
    loss: weightedLosses([
      { factor: 1, loss: nextTokenCrossEntropy({ logits }) },
      { factor: 1, loss: taskLoss(model) },
    ]),
  };
}

async function splitsOf(dataset: DatasetDefinition) {
  return dataset.load({ file: () => Promise.reject(new Error(`${dataset.id} needs no hub`)) });
}

async function itemsOf(
  dataset: DatasetDefinition,
  split: SplitName,
  model: Model,
  { tokenizer }: Tools,
): Promise<TaskItems> {
  const [task] = dataset.tasks;
  if (!task) throw unknownId('task of', dataset.id, []);
  const encoding = { tokenizer, kind: model.kind, contextLength: model.contextLength };
  return taskItems(task, (await splitsOf(dataset))[split], encoding);
}

/** Every task of the generated datasets that asks for this kind of model, on its test items. */
async function testMetrics(model: Model, tools: Tools): Promise<ReferenceRecord['tasks']> {
  const results = [];
  for (const dataset of datasets.filter(({ source }) => source.kind === 'generated')) {
    for (const task of dataset.tasks) {
      if (kindFor(task.metric) !== model.kind) continue;
      const items = await itemsOf(dataset, 'test', model, tools);
      const { quality } = await evaluateTask({ dense: model.onnx, candidate: model.onnx, task: items });
      const { metric, estimate, slices = [] } = quality;
      results.push({
        task: task.id,
        metric,
        items: quality.items,
        ...(task.chance !== undefined && { chance: task.chance }),
        estimate,
        slices: slices.map(({ slice, items, estimate }) => ({ slice, items, estimate })),
      });
    }
  }
  return results;
}

async function valueOf(model: OnnxModel, task: TaskItems): Promise<number> {
  const { quality } = await evaluateTask({ dense: model, candidate: model, task });
  return quality.estimate.value;
}

/** A bar on a terminal, a line per point of the curve elsewhere. */
function createProgress(title: string, steps: number) {
  const terminal = process.stderr.isTTY === true;
  const bar = new SingleBar({
    format: `${title} {bar} {value}/{total} steps · loss {loss} · validation {validation} · {rate} tokens/s · {eta_formatted} left`,
  });
  if (terminal) bar.start(steps, 0, { loss: '—', validation: '—', rate: '—' });
  let last = '';
  let said = 0;
  return {
    progress({ step, loss, tokensPerSecond }: { step: number; loss: number; tokensPerSecond: number }) {
      last = `loss ${loss.toFixed(4)}, ${tokensPerSecond.toFixed(0)} tokens/s`;
      if (terminal) bar.update(step, { loss: loss.toFixed(4), rate: tokensPerSecond.toFixed(0) });
      else if (step >= said + STEPS_PER_LINE) {
        said = step;
        console.error(`${title}: step ${step} of ${steps}, ${last}`);
      }
    },
    validation(step: number, value: number) {
      if (terminal) bar.update({ validation: value.toFixed(4) });
      else console.error(`${title}: step ${step} of ${steps}, ${last}, validation ${value.toFixed(4)}`);
    },
    stop: () => bar.stop(),
  };
}

const { values, positionals } = parseArgs({
  options: { seed: { type: 'string', default: 'reference-1' }, to: { type: 'string', default: FOLDER } },
  allowPositionals: true,
});
const id = positionals[0] ?? '';
const recipe = RECIPES[id];
if (!recipe) throw unknownId('reference model', id, Object.keys(RECIPES));
const tokenizer = readBytePairTokenizer(readFileSync(join(FOLDER, 'merges.json')));
await trainReference(recipe, { id, seed: values.seed, tokenizer }, resolve(values.to));

/** Models, datasets and suite entries small enough to run end to end in a second or two per variant. */
import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';
import type { DatasetDefinition, DatasetRow } from '../../contracts/dataset.ts';
import type { Method } from '../../engine/definitions/method.ts';
import type { ModelDefinition, Tokenizer } from '../../engine/definitions/model.ts';
import type { Limits } from '../../harness/plan/bench.ts';
import type { MethodRegistration, SuiteEntry } from '../../harness/plan/plan.ts';
import { createRandom } from '../../numerics/tensor/random.ts';
import { tinyBert, tinyGpt, tinyLlama } from './tiny-model.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const VOCABULARY = 64;
const FIRST_CHARACTER = 0x30;

/** One token per character from '0' on; 0 begins a sequence. */
const tokenizer: Tokenizer = {
  vocabularySize: VOCABULARY,
  beginOfSequence: 0,
  endOfSequence: 0,
  classification: 0,
  separator: 1,
  encode: (text) => Int32Array.from(text, (character) => character.charCodeAt(0) - FIRST_CHARACTER + 1),
  decode: (tokens) => String.fromCharCode(...Array.from(tokens, (token) => token + FIRST_CHARACTER - 1)),
};

export const tinyModel: ModelDefinition = {
  id: 'tiny-llama',
  title: 'Tiny Llama',
  architecture: 'llama',
  kind: 'decoder',
  licence: 'none',
  citation: 'none',
  source: { kind: 'embedded', files: [] },
  trainedOn: [],
  testItemsSeen: [],
  tokenizer: () => Promise.resolve(tokenizer),
  build: () => Promise.resolve(tinyLlama()),
};

/** A decoder and an encoder of other architectures. */
export const tinyGptModel: ModelDefinition = {
  ...tinyModel,
  id: 'tiny-gpt',
  architecture: 'gpt',
  kind: 'decoder',
  build: () => Promise.resolve(tinyGpt()),
};
export const tinyBertModel: ModelDefinition = {
  ...tinyModel,
  id: 'tiny-bert',
  architecture: 'bert',
  kind: 'encoder',
  build: () => Promise.resolve(tinyBert()),
};

function rowsOf(split: string, count: number): DatasetRow[] {
  const random = createRandom(`tiny-text/${split}`);
  return Array.from({ length: count }, (_, i) => ({
    id: `${split}-${i}`,
    text: String.fromCharCode(...Array.from({ length: 31 }, () => FIRST_CHARACTER + random.integer(VOCABULARY - 1))),
  }));
}

export const tinyDataset: DatasetDefinition = {
  id: 'tiny-text',
  title: 'Tiny text',
  version: '1',
  licence: 'none',
  citation: 'none',
  source: { kind: 'generated', seed: 0 },
  contentHash: createHash('sha256').update('tiny-text').digest('hex'),
  tasks: [
    {
      id: 'tiny-text-perplexity',
      title: 'Perplexity on tiny text',
      dataset: 'tiny-text',
      metric: 'perplexity',
      higherIsBetter: false,
      description: 'Predict random characters.',
    },
  ],
  load: () =>
    Promise.resolve({
      calibration: rowsOf('calibration', 600),
      training: rowsOf('training', 20),
      validation: rowsOf('validation', 4),
      test: rowsOf('test', 12),
    }),
};

const SLICES = ['head', 'tail'] as const;

/** Rows with a context, choices, a second segment and a label: for either accuracy. */
function questionsOf(split: string, count: number): DatasetRow[] {
  const random = createRandom(`tiny-questions/${split}`);
  const text = (length: number): string =>
    String.fromCharCode(...Array.from({ length }, () => FIRST_CHARACTER + random.integer(VOCABULARY - 1)));
  return Array.from({ length: count }, (_, i) => ({
    id: `${split}-${i}`,
    text: text(12),
    choices: [text(2), text(3), text(2)],
    pair: text(6),
    label: random.integer(3),
    slice: SLICES[i % 2] as string,
  }));
}

export const tinyQuestions: DatasetDefinition = {
  ...tinyDataset,
  id: 'tiny-questions',
  contentHash: createHash('sha256').update('tiny-questions').digest('hex'),
  tasks: (['choice-accuracy', 'classification-accuracy'] as const).map((metric) => ({
    id: `tiny-questions-${metric}`,
    title: `Tiny questions, ${metric}`,
    dataset: 'tiny-questions',
    metric,
    higherIsBetter: true,
    chance: 1 / 3,
    slices: SLICES,
    description: 'Guess among three.',
  })),
  load: () =>
    Promise.resolve({
      calibration: questionsOf('calibration', 1200),
      training: questionsOf('training', 20),
      validation: questionsOf('validation', 4),
      test: questionsOf('test', 24),
    }),
};

export const tinyLimits: Limits = { trialTimeoutSeconds: 60, judgeTimeoutSeconds: 60, memoryBytes: 2 ** 30 };

/** A method of methods/, or a fixture given by its absolute path. */
export async function methodRegistration(path: string): Promise<MethodRegistration> {
  const file = path.startsWith('/') ? path : join(ROOT, 'methods', `${path}.ts`);
  const { default: method } = (await import(file)) as { readonly default: Method };
  return { method, file };
}

/** Five methods that ask for weights, or for calibration examples too. */
export function tinySuiteUnits(): Promise<MethodRegistration[]> {
  const paths = ['control/dense', 'quantization/rtn', 'quantization/gptq', 'pruning/random-mask', 'pruning/sparsegpt'];
  return Promise.all(paths.map(methodRegistration));
}

export function tinyEntry(variants: SuiteEntry['variants'], seeds: readonly number[] = [0]): SuiteEntry {
  return {
    model: tinyModel,
    calibration: tinyDataset,
    tasks: tinyDataset.tasks.map((task) => ({ task, dataset: tinyDataset })),
    variants,
    seeds,
  };
}

/** One of the other architectures on the questions, with the task for its kind. */
export function tinyQuestionsEntry(model: ModelDefinition, variants: SuiteEntry['variants']): SuiteEntry {
  const metric = model.architecture === 'bert' ? 'classification-accuracy' : 'choice-accuracy';
  return {
    model,
    calibration: tinyQuestions,
    tasks: tinyQuestions.tasks
      .filter((task) => task.metric === metric)
      .map((task) => ({ task, dataset: tinyQuestions })),
    variants,
    seeds: [0],
  };
}

/** A model, a dataset and a suite entry small enough to run end to end in a second or two per variant. */
import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';
import type { DatasetDefinition, DatasetRow } from '../../harness/contracts/dataset.ts';
import type { Method } from '../../harness/contracts/method.ts';
import type { ModelDefinition, Tokenizer } from '../../harness/contracts/model.ts';
import type { Limits } from '../../harness/jobs/execute.ts';
import type { MethodUnit, SuiteEntry } from '../../harness/jobs/plan.ts';
import { createRandom } from '../../harness/tensor/random.ts';
import { tinyLlama } from './tiny-model.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const VOCABULARY = 64;
const FIRST_CHARACTER = 0x30;

/** One token per character from '0' on; 0 begins a sequence. */
const tokenizer: Tokenizer = {
  vocabularySize: VOCABULARY,
  beginOfSequence: 0,
  endOfSequence: 0,
  encode: (text) => Int32Array.from(text, (character) => character.charCodeAt(0) - FIRST_CHARACTER + 1),
  decode: (tokens) => String.fromCharCode(...Array.from(tokens, (token) => token + FIRST_CHARACTER - 1)),
};

export const tinyModel: ModelDefinition = {
  id: 'tiny-llama',
  title: 'Tiny Llama',
  architecture: 'llama',
  licence: 'none',
  citation: 'none',
  source: { kind: 'embedded', files: [] },
  trainedOn: [],
  tokenizer: () => Promise.resolve(tokenizer),
  build: () => Promise.resolve(tinyLlama()),
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

export const tinyLimits: Limits = { trialTimeoutSeconds: 60, judgeTimeoutSeconds: 60, memoryBytes: 2 ** 30 };

/** A method of methods/, or a fixture given by its absolute path. */
export async function methodUnit(path: string): Promise<MethodUnit> {
  const file = path.startsWith('/') ? path : join(ROOT, 'methods', `${path}.ts`);
  const { default: method } = (await import(file)) as { readonly default: Method };
  return { method, file };
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

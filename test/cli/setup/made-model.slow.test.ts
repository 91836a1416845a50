import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeModel } from '../../../cli/setup/made-model.ts';
import { withMadeFiles } from '../../../cli/setup/made-files.ts';
import { openModel } from '../../../cli/setup/open-model.ts';
import { present } from '../../../contracts/present.ts';
import datasetOfPairs from '../../../datasets/tinyworld-entailment.ts';
import type { ModelDefinition } from '../../../engine/definitions/model.ts';
import { createHubClient } from '../../../engine/hub/hub-client.ts';
import { loadModel, modelRevision } from '../../../engine/model/load-model.ts';
import { defineFineTunedModel } from '../../../models/shared/fine-tuned/fine-tuned-definition.ts';

const GOLDEN = new URL('../../golden/transformers/bert-embedding', import.meta.url).pathname;
const STEPS = 96;
let root: string;
let definition: ModelDefinition;
let said: string[];

/** A base of 24 positions whose tokenizer knows single letters. */
async function tinyBase(): Promise<ModelDefinition> {
  const path = join(root, 'base');
  cpSync(GOLDEN, path, { recursive: true });
  const words = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', 'the', 'and', 'he', 'she', 'is', 'was', 'not', 'a', 'in', '.'];
  const vocab = Object.fromEntries(words.map((word, id) => [word, id]));
  const tokens = { pad_token: '[PAD]', unk_token: '[UNK]', cls_token: '[CLS]', sep_token: '[SEP]' };
  writeFileSync(
    join(path, 'tokenizer.json'),
    JSON.stringify({
      added_tokens: words.slice(0, 4).map((content, id) => ({ id, content, special: true })),
      normalizer: { type: 'BertNormalizer', lowercase: true },
      pre_tokenizer: { type: 'BertPreTokenizer' },
      post_processor: {
        type: 'TemplateProcessing',
        single: [special('[CLS]'), { Sequence: { id: 'A', type_id: 0 } }, special('[SEP]')],
        pair: [
          special('[CLS]'),
          { Sequence: { id: 'A', type_id: 0 } },
          special('[SEP]'),
          { Sequence: { id: 'B', type_id: 1 } },
          special('[SEP]', 1),
        ],
        special_tokens: Object.fromEntries(
          [2, 3].map((id) => [words[id], { id: words[id], ids: [id], tokens: [words[id]] }]),
        ),
      },
      model: { type: 'WordPiece', unk_token: '[UNK]', continuing_subword_prefix: '##', vocab },
    }),
  );
  writeFileSync(join(path, 'special_tokens_map.json'), JSON.stringify(tokens));
  return openModel(path);
}

const special = (id: string, type_id = 0) => ({ SpecialToken: { id, type_id } });

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'made-model-'));
  said = [];
  definition = defineFineTunedModel({
    id: 'tiny-entailment',
    title: 'Tiny',
    licence: 'CC0-1.0',
    trainedOn: [datasetOfPairs.id],
    base: await tinyBase(),
    recipe: {
      revision: 1,
      dataset: datasetOfPairs.id,
      contentHash: datasetOfPairs.contentHash,
      classes: present(datasetOfPairs.tasks[0]?.classes, 'classes'),
      seed: 'test',
      steps: STEPS,
      batch: 16,
      longest: 24,
      learningRate: 1e-3,
      warmUpSteps: 4,
      weightDecay: 0.01,
      frozenEmbedding: true,
      threads: 1,
    },
    published: 'none',
  });
});
afterEach(() => rmSync(root, { recursive: true }));

const make = (home: string, signal = new AbortController().signal) =>
  makeModel(definition, { home: join(root, home), hub: createHubClient(), signal, say: (text) => said.push(text) });
const pathOf = ({ source }: ModelDefinition): string => (source.kind === 'fine-tuned' && source.path) || '';

describe('makeModel', () => {
  it('makes a model once, as a folder that transformers can load, and reuses it from then on', async () => {
    const made = await make('home');
    const folder = pathOf(made);
    expect(readdirSync(folder).sort()).toEqual([
      'config.json',
      'made.json',
      'model.safetensors',
      'special_tokens_map.json',
      'tokenizer.json',
    ]);
    expect(said).toEqual([expect.stringMatching(/not made yet/), expect.stringMatching(/made; accuracy 0\.\d{3}/)]);
    const built = await loadModel(made, createHubClient());
    expect(built).toMatchObject({ kind: 'encoder', architecture: 'bert' });
    // The folder by itself is the same model.
    const asFolder = await loadModel(await openModel(folder), createHubClient());
    for (const [name, tensor] of built.onnx.graph.initializers) {
      expect(asFolder.onnx.graph.initializers.get(name), name).toEqual(tensor);
    }
    // Only what the recipe trains has changed.
    const base = await loadModel((made.source as { base: ModelDefinition }).base, createHubClient());
    const [before, after] = [base.onnx.graph.initializers, built.onnx.graph.initializers];
    expect(after.get('embedding.weight')).toEqual(before.get('embedding.weight'));
    expect(after.get('layers.0.q.weight')).not.toEqual(before.get('layers.0.q.weight'));

    expect(await make('home')).toEqual(made);
    expect(withMadeFiles(definition, join(root, 'home'))).toEqual(made);
    expect(said).toHaveLength(2);
    expect(modelRevision(made)).not.toBe(modelRevision(definition));
  });

  it('resumes where it stopped, with identical bytes', async () => {
    const whole = await make('whole');
    const controller = new AbortController();
    const stopped = makeModel(definition, {
      home: join(root, 'stopped'),
      hub: createHubClient(),
      // The state is kept at step 80.
      signal: abortedAtCheckpoint(controller),
      say: () => {},
    });
    await expect(stopped).rejects.toThrow(/abort/i);
    const made = await make('stopped');
    expect(said.some((text) => text.endsWith('from where it stopped'))).toBe(true);
    expect(modelRevision(made)).toBe(modelRevision(whole));
    expect(existsSync(join(pathOf(made), 'checkpoint.safetensors'))).toBe(false);
  });

  it('refuses a model that was altered, and never makes it again', async () => {
    const folder = pathOf(await make('home'));
    const weights = join(folder, 'model.safetensors');
    const bytes = readFileSync(weights);
    writeFileSync(weights, bytes.fill(1, bytes.length - 4));
    await expect(loadModel(await make('home'), createHubClient())).rejects.toThrow(/expected sha256 .* restore it/);
    rmSync(weights);
    await expect(make('home')).rejects.toThrow(/model\.safetensors is missing, expected sha256/);
    writeFileSync(join(folder, 'made.json'), '{}');
    await expect(make('home')).rejects.toThrow(/not the record of a made model/);
    await expect(loadModel(definition, createHubClient())).rejects.toThrow(/has not been fine-tuned in this home/);
  });
});

/** Aborts when the first checkpoint is on disk. */
function abortedAtCheckpoint(controller: AbortController): AbortSignal {
  const timer = setInterval(() => {
    const models = join(root, 'stopped/models');
    const [folder] = existsSync(models) ? readdirSync(models) : [];
    if (folder === undefined || !existsSync(join(models, folder, 'checkpoint.safetensors'))) return;
    clearInterval(timer);
    controller.abort();
  }, 1);
  return controller.signal;
}

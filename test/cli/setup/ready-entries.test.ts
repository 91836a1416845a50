import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readyEntries } from '../../../cli/setup/ready-entries.ts';
import { findDataset, findModel, findTask } from '../../../cli/setup/registry.ts';
import { createHubClient } from '../../../engine/hub/hub-client.ts';
import type { SuiteEntry } from '../../../harness/plan/plan.ts';
import { type HubServer, startHubServer } from '../../support/hub-server.ts';

let server: HubServer;
let root: string;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'ready-entries-'));
  const bytes = Buffer.from('{}');
  server = await startHubServer('2290a62682d06624634c1f46a6ad5be0f47f38aa', {
    'models/distilbert/distilgpt2/config.json': { bytes },
    'models/distilbert/distilgpt2/tokenizer.json': { bytes },
    'models/distilbert/distilgpt2/tokenizer_config.json': { bytes },
    'models/distilbert/distilgpt2/model.safetensors': { bytes, lfs: true },
  });
});
afterAll(async () => {
  await server.close();
  rmSync(root, { recursive: true });
});

const entryOf = (model: string, calibration: string, task: string): SuiteEntry => ({
  model: findModel(model),
  calibration: findDataset(calibration),
  tasks: [findTask(task)],
  variants: [],
  seeds: [0],
});
const embedded = entryOf('tinyworld-bert', 'tinyworld-entailment', 'tinyworld-entailment-classification-accuracy');
const ready = (entries: readonly SuiteEntry[], said: string[] = []) =>
  readyEntries(entries, {
    home: root,
    hub: createHubClient({ cacheDir: join(root, 'hub'), hubUrl: server.url, offline: false, attempts: 1 }),
    say: (text) => said.push(text),
  });

describe('readyEntries', () => {
  it('skips what cannot be fetched or is not the pinned file, says so, and keeps the rest', async () => {
    const said: string[] = [];
    const { entries, missing } = await ready(
      [
        entryOf('gpt2', 'tinyworld', 'tinyworld-perplexity'),
        embedded,
        entryOf('distilgpt2', 'tinyworld', 'tinyworld-perplexity'),
        entryOf('tinyworld-gpt', 'wikitext-2', 'tinyworld-perplexity'),
        entryOf('minilm-l6-rte', 'rte', 'rte-classification-accuracy'),
      ],
      said,
    );
    expect(entries).toEqual([embedded]);
    expect(missing.map(({ model }) => model)).toEqual(['gpt2', 'distilgpt2', 'tinyworld-gpt', 'minilm-l6-rte']);
    const reasons = missing.map(({ reason }) => reason);
    expect(reasons[0]).toMatch(/openai-community\/gpt2.*no such file \(404\)/);
    expect(reasons[1]).toMatch(/model\.safetensors: expected sha256 e1ff18884359/);
    expect(reasons[2]).toMatch(/Salesforce\/wikitext/);
    expect(reasons[3]).toMatch(/all-MiniLM-L6-v2/);
    expect(said).toEqual(missing.map(({ model, reason }) => `${model}: left out: ${reason}`));
  });

  it('fails where no entry is left', async () => {
    await expect(ready([entryOf('gpt2', 'tinyworld', 'tinyworld-perplexity')])).rejects.toThrow(/gpt2.*404/);
  });
});

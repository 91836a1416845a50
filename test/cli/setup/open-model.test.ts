import { copyFileSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { defaultPlace } from '../../../cli/setup/default-place.ts';
import { openModel } from '../../../cli/setup/open-model.ts';
import type { ModelDefinition } from '../../../engine/definitions/model.ts';
import { createHubClient } from '../../../engine/hub/hub-client.ts';
import type { HubClientOptions } from '../../../engine/hub/hub-settings.ts';
import { loadModel, loadTokenizer, modelRevision } from '../../../engine/model/load-model.ts';
import { type HubServer, startHubServer } from '../../support/hub-server.ts';

const GOLDEN = new URL('../../golden/', import.meta.url).pathname;
const REVISION = 'c'.repeat(40);
let root: string;
let server: HubServer;

/** A vocabulary of 61 tokens: that of the golden models. */
const tokenizerJson = JSON.stringify({
  model: {
    type: 'WordPiece',
    unk_token: 't0',
    vocab: Object.fromEntries(Array.from({ length: 61 }, (_, id) => [`t${id}`, id])),
  },
});
const files = ['config.json', 'model.safetensors'] as const;
const hub = (options: HubClientOptions = {}) =>
  createHubClient({ cacheDir: join(root, 'hub'), hubUrl: server.url, offline: false, attempts: 1, ...options });

/** `opt` or, for another folder of the same model, `opt-older`. */
function folder(name: string): string {
  const path = join(root, name);
  cpSync(join(GOLDEN, 'transformers', name.replace('-older', '')), path, { recursive: true });
  writeFileSync(join(path, 'tokenizer.json'), tokenizerJson);
  return path;
}

beforeAll(async () => {
  const of = (path: string) => readFileSync(join(GOLDEN, 'transformers/llama3', path));
  server = await startHubServer(REVISION, {
    ...Object.fromEntries(
      files.map((path) => [`models/owner/Tiny_Llama/${path}`, { bytes: of(path), lfs: path.endsWith('.safetensors') }]),
    ),
    'models/owner/Tiny_Llama/tokenizer.json': { bytes: Buffer.from(tokenizerJson) },
    'models/owner/Tiny_Llama/README.md': { bytes: Buffer.from('not read') },
    'models/owner/weightless/config.json': { bytes: of('config.json') },
  });
});
afterAll(() => server.close());
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'open-model-'));
});
afterEach(() => rmSync(root, { recursive: true }));

const build = (definition: ModelDefinition) => loadModel(definition, hub());

describe('openModel on a folder', () => {
  it('reads weights of torch.save and a vocabulary without tokenizer.json, as in OPT', async () => {
    const [modern, older] = [folder('opt'), folder('opt-older')];
    const initializersOf = async (path: string) => (await build(await openModel(path))).onnx.graph.initializers;
    const expected = await initializersOf(modern);
    rmSync(join(older, 'tokenizer.json'));
    rmSync(join(older, 'model.safetensors'));
    copyFileSync(join(GOLDEN, 'pickles/opt.bin'), join(older, 'pytorch_model.bin'));
    await expect(openModel(older)).rejects.toThrow(/has no tokenizer\.json among/);
    writeFileSync(join(older, 'vocab.json'), JSON.stringify({ '</s>': 0, a: 1, b: 2, ab: 3 }));
    writeFileSync(join(older, 'merges.txt'), '#version: 0.2\na b\n');
    writeFileSync(join(older, 'tokenizer_config.json'), JSON.stringify({ add_bos_token: true, bos_token: '</s>' }));
    expect(await initializersOf(older)).toEqual(expected);
    const tokenizer = await loadTokenizer(await openModel(older), hub());
    expect([tokenizer.beginOfSequence, ...tokenizer.encode('aba')]).toEqual([0, 3, 1]);
  });

  it('defines a model from a folder anywhere, under an id that no model of the board has', async () => {
    const definition = await openModel(folder('llama3'));
    expect(definition).toMatchObject({ id: 'local-llama3', architecture: 'llama', kind: 'decoder', title: 'llama3' });
    expect((await build(definition)).contextLength).toBe(24);
    expect((await loadTokenizer(definition, hub())).vocabularySize).toBe(61);
    const elsewhere = join(root, 'other/llama3');
    cpSync(join(root, 'llama3'), elsewhere, { recursive: true });
    expect(modelRevision(await openModel(elsewhere))).toBe(modelRevision(definition));
  });

  it('reads shards and sentence embeddings', async () => {
    expect((await build(await openModel(folder('llama')))).linears).toHaveLength(14);
    const embedder = await openModel(folder('bert-embedding'));
    expect(embedder).toMatchObject({ kind: 'embedder' });
    expect((await build(embedder)).roles.segments).toBeDefined();
  });

  it('shortens the context on request, says so, and gives the model another identity', async () => {
    const path = folder('llama3');
    const [whole, cut] = [await openModel(path), await openModel(path, { contextLimit: 10 })];
    expect(cut.title).toBe('llama3 (context 10 of 24)');
    expect((await build(cut)).contextLength).toBe(10);
    expect(modelRevision(cut)).not.toBe(modelRevision(whole));
  });

  it('refuses a file that changed after it was opened', async () => {
    const path = folder('llama3');
    const definition = await openModel(path);
    copyFileSync(join(GOLDEN, 'transformers/llama-yarn/config.json'), join(path, 'config.json'));
    await expect(build(definition)).rejects.toThrow(/it changed while it was read/);
  });

  it('says what is missing', async () => {
    await expect(openModel('./no-such-folder')).rejects.toThrow(/there is no folder/);
    const path = folder('gpt2');
    rmSync(join(path, 'tokenizer.json'));
    await expect(openModel(path)).rejects.toThrow(/has no tokenizer\.json among/);
    await expect(openModel('no-such-model')).rejects.toThrow(/unknown model "no-such-model"/);
    await expect(openModel('tinyworld-gpt', { contextLimit: 8 })).rejects.toThrow(/--context/);
  });
});

describe('openModel on the hub', () => {
  it('resolves a branch to its commit, fetches only what is read, and sends the token to the hub only', async () => {
    const definition = await openModel('hf:owner/Tiny_Llama', { hub: hub({ token: 'secret' }) });
    expect(definition).toMatchObject({
      id: 'hf-owner-tiny-llama',
      licence: 'mit',
      citation: `https://huggingface.co/owner/Tiny_Llama/tree/${REVISION}`,
      source: { kind: 'hub', revision: REVISION },
    });
    expect(definition.source.files.map(({ path }) => path)).toEqual([
      'config.json',
      'model.safetensors',
      'tokenizer.json',
    ]);
    expect(server.requests.some((request) => request.includes('README'))).toBe(false);
    expect(server.authorizations.filter((sent) => sent === 'Bearer secret').length).toBeGreaterThan(0);
    const asked = server.requests.length;
    expect((await build(definition)).contextLength).toBe(24);
    // The commit is kept for the branch, so that it can be named without a network.
    const again = await openModel('hf:owner/Tiny_Llama@main', { hub: hub({ offline: true }) });
    expect(modelRevision(again)).toBe(modelRevision(definition));
    expect(modelRevision(await openModel(`hf:owner/Tiny_Llama@${REVISION}`, { hub: hub() }))).toBe(
      modelRevision(definition),
    );
    expect(server.requests).toHaveLength(asked);
  });

  it.each([401, 403])('says how to get access to a gated model (%i)', async (status) => {
    server.apiFaults.push({ kind: 'status', status });
    await expect(openModel('hf:owner/Tiny_Llama', { hub: hub() })).rejects.toThrow(
      /accept its terms on the hub and set HF_TOKEN/,
    );
    server.apiFaults.push({ kind: 'status', status });
    await expect(openModel('hf:owner/Tiny_Llama', { hub: hub({ token: 'other' }) })).rejects.toThrow(
      /with the account of HF_TOKEN/,
    );
  });

  it('reports a missing model or revision', async () => {
    await expect(openModel('hf:owner/none', { hub: hub() })).rejects.toThrow(/no such model or revision \(404\)/);
    await expect(openModel('hf:owner/weightless', { hub: hub() })).rejects.toThrow(
      /has no tokenizer\.json, no model\.safetensors/,
    );
    await expect(openModel('hf:owner/Tiny_Llama', { hub: hub({ offline: true }) })).rejects.toThrow(
      /HF_HUB_OFFLINE forbids asking/,
    );
    await expect(openModel('hf:../../etc', { hub: hub() })).rejects.toThrow(/expected owner\/name/);
    await expect(openModel('hf:a/b@c@d', { hub: hub() })).rejects.toThrow(/more than one @/);
  });
});

describe('defaultPlace', () => {
  it('selects tasks by kind: text for a decoder, similarity for an embedder; an encoder must name its own', () => {
    expect(defaultPlace({ id: 'x', kind: 'decoder' }, undefined)).toEqual({
      calibration: 'wikitext-2',
      tasks: ['wikitext-2-raw-sample-perplexity'],
    });
    expect(defaultPlace({ id: 'x', kind: 'decoder' }, ['tinystories-perplexity'])).toMatchObject({
      calibration: 'tinystories',
    });
    expect(defaultPlace({ id: 'x', kind: 'embedder' }, undefined)).toEqual({
      calibration: 'stsb',
      tasks: ['stsb-cosine-spearman'],
    });
    expect(() => defaultPlace({ id: 'x', kind: 'encoder' }, undefined)).toThrow(
      /name tasks with the same classes with --tasks/,
    );
    expect(defaultPlace({ id: 'x', kind: 'encoder' }, ['tinyworld-entailment-classification-accuracy'])).toMatchObject({
      calibration: 'tinyworld-entailment',
    });
  });
});

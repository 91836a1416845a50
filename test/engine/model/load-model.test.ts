import { describe, expect, it } from 'vitest';
import type { HubFileRequest, ModelHub } from '../../../contracts/dataset.ts';
import { IntegrityError } from '../../../contracts/errors.ts';
import type { ModelDefinition } from '../../../engine/definitions/model.ts';
import { loadModel, loadTokenizer, modelRevision } from '../../../engine/model/load-model.ts';
import { readLlama2cCheckpoint } from '../../../models/shared/llama2c-checkpoint.ts';
import { buildLlama } from '../../../models/shared/llama-graph.ts';
import { llama2cFile } from '../../support/llama2c-reference.ts';
import { tinyLlama, tinyLlamaParts } from '../../support/tiny-model.ts';

const { config, weights } = tinyLlamaParts();
const checkpoint = llama2cFile(config, weights);
const hash = 'ab'.repeat(32);

function definitionOf(overrides: Partial<ModelDefinition> = {}): ModelDefinition {
  return {
    id: 'tiny-llama',
    title: 'Tiny',
    architecture: 'llama',
    kind: 'decoder',
    licence: 'none',
    citation: 'none',
    source: {
      kind: 'hub',
      repo: 'owner/tiny',
      revision: '0'.repeat(40),
      files: [{ path: 'model.bin', sha256: hash, sizeBytes: checkpoint.byteLength }],
    },
    trainedOn: [],
    testItemsSeen: [],
    tokenizer: () => Promise.reject(new Error('unused')),
    async build(files) {
      const read = readLlama2cCheckpoint(await files.read('model.bin'));
      return buildLlama('tiny-llama', read.config, read.weights);
    },
    ...overrides,
  };
}

function hubOf(requests: HubFileRequest[] = []): ModelHub {
  return {
    file(request) {
      requests.push(request);
      return Promise.resolve(checkpoint);
    },
    locate: () => Promise.reject(new Error('unused')),
  };
}

describe('loadModel', () => {
  it('builds from the pinned, verified files', async () => {
    const requests: HubFileRequest[] = [];
    const model = await loadModel(definitionOf(), hubOf(requests));
    expect(model.onnx).toEqual(tinyLlama().onnx);
    expect(requests).toEqual([
      { kind: 'model', repo: 'owner/tiny', revision: '0'.repeat(40), path: 'model.bin', sha256: hash },
    ]);
  });

  it('refuses a file that the source does not list', async () => {
    const definition = definitionOf({
      tokenizer: async (files) => {
        await files.read('vocabulary.bin');
        throw new Error('unreachable');
      },
    });
    await expect(loadTokenizer(definition, hubOf())).rejects.toThrow(
      /tiny-llama: reads "vocabulary.bin", which its source does not list \(model.bin\)/,
    );
  });

  it('refuses a model that is built under another id', async () => {
    await expect(loadModel(definitionOf({ id: 'other' }), hubOf())).rejects.toThrow(
      /builds a model with the id "tiny-llama"/,
    );
  });

  it('refuses an embedded file with another hash', async () => {
    const source = { kind: 'embedded', files: [{ path: 'index.ts', sha256: hash }] } as const;
    const definition = definitionOf({
      source,
      build: async (files) => {
        await files.read('index.ts');
        return tinyLlama();
      },
    });
    await expect(loadModel(definition, hubOf())).rejects.toThrow(IntegrityError);
    await expect(loadModel(definition, hubOf())).rejects.toThrow(/models\/index.ts: expected sha256 abab/);
  });
});

describe('modelRevision', () => {
  it('depends on repository, revision and file hashes, not on file order or descriptions', () => {
    const files = [
      { path: 'a', sha256: 'aa', sizeBytes: 1 },
      { path: 'b', sha256: 'bb', sizeBytes: 2 },
    ];
    const source = { kind: 'hub', repo: 'owner/tiny', revision: '0'.repeat(40), files } as const;
    const base = modelRevision(definitionOf({ source }));
    expect(base).toMatch(/^[0-9a-f]{64}$/);
    expect(modelRevision(definitionOf({ source: { ...source, files: files.toReversed() }, title: 'X' }))).toBe(base);
    const others = [
      { ...source, repo: 'owner/other' },
      { ...source, revision: '1'.repeat(40) },
      { ...source, files: files.with(0, { path: 'a', sha256: 'ac', sizeBytes: 1 }) },
      { ...source, files: files.slice(1) },
      { kind: 'embedded', files } as const,
    ].map((changed) => modelRevision(definitionOf({ source: changed })));
    expect(new Set([base, ...others]).size).toBe(6);
  });
});

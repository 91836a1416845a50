import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { datasets } from '../../datasets/index.ts';
import type { LinearRole, Model, ModelDefinition } from '../../engine/definitions/model.ts';
import { loadModel, loadTokenizer, modelRevision } from '../../engine/model/load-model.ts';
import { models } from '../../models/index.ts';
import { standardModels } from '../../models/shared/standard-models.ts';
import { cachedHub, hubCacheDir, noHubCache } from '../support/hub-cache.ts';

/** Why the model cannot be built here; false where it can. */
function lackingFor({ source }: ModelDefinition): string | false {
  // Its making takes minutes: test/cli/setup/made-model.slow.test.ts makes a small one.
  if (source.kind === 'fine-tuned') return 'not made here';
  if (source.kind !== 'hub') return false;
  const folder = `models--${source.repo.replace('/', '--')}/snapshots/${source.revision}`;
  if (noHubCache) return noHubCache;
  return existsSync(join(hubCacheDir ?? '', folder)) ? false : 'not in the hub cache';
}

const FOLDER = new URL('../../models/', import.meta.url);

describe('models', () => {
  it('lists every file of the folder, sorted, each under the id that is its name', () => {
    const files = readdirSync(FOLDER).filter((name) => name.endsWith('.ts') && name !== 'index.ts');
    const own = models.filter((model) => !standardModels.includes(model));
    expect(own.map(({ id }) => `${id}.ts`)).toEqual(files.sort());
  });

  it('have unique revisions', () => {
    expect(new Set(models.map(modelRevision)).size).toBe(models.length);
  });
});

describe.each(models)('model $id', (definition) => {
  it('states what it is, its licence, authors and source', () => {
    expect(definition.id).toMatch(/^[a-z0-9]+([-.][a-z0-9]+)*$/);
    for (const text of [definition.title, definition.licence]) expect(text.trim()).not.toBe('');
    expect(definition.citation).toMatch(/\b\d{4}\b.*https:\/\//);
    if (definition.source.kind !== 'fine-tuned') expect(definition.source.files.length).toBeGreaterThan(0);
    for (const { path, sha256 } of definition.source.files) {
      if (/\.(safetensors|bin)$/.test(path)) expect(sha256).toBeDefined();
      if (sha256 !== undefined) expect(sha256).toMatch(/^[0-9a-f]{64}$/);
    }
    if (definition.source.kind === 'hub') expect(definition.source.revision).toMatch(/^[0-9a-f]{40}$/);
    expect(modelRevision(definition)).toMatch(/^[0-9a-f]{64}$/);
  });

  it('lists datasets of the board as its training data', () => {
    const known = datasets.map(({ id }) => id);
    for (const id of definition.trainedOn) expect(known).toContain(id);
    for (const id of definition.testItemsSeen) expect(definition.trainedOn).toContain(id);
  });

  const lacking = lackingFor(definition);
  describe.skipIf(lacking)(`built${lacking ? ` (${lacking})` : ''}`, () => {
    let model: Model;
    beforeAll(async () => {
      model = await loadModel(definition, cachedHub());
    });

    it('has a role for every linear layer, each a MatMul with a float32 weight of the stated shape', () => {
      const { graph } = model.onnx;
      const { pooler, head } = model.roles;
      const roles = [...model.linears, pooler, head].filter((role) => role !== undefined);
      for (const linear of roles) expectLinear(model, linear);
      expect(new Set(roles.map(({ role }) => role)).size).toBe(roles.length);
      // No MatMul with a weight is left out of the map.
      const weighted = graph.nodes.filter(
        ({ op, inputs }) => op === 'MatMul' && graph.initializers.has(inputs[1] ?? ''),
      );
      expect(weighted.map(({ name }) => name).sort()).toEqual(roles.map(({ node }) => node).sort());
    });

    it('has layers whose residual streams connect', () => {
      const values = new Set(model.onnx.graph.nodes.flatMap(({ outputs }) => outputs));
      for (const [index, layer] of model.roles.layers.entries()) {
        expect(values).toContain(layer.input);
        expect(values).toContain(layer.output);
        if (index > 0) expect(layer.input).toBe(model.roles.layers[index - 1]?.output);
      }
      expect(model.roles.width % model.roles.heads).toBe(0);
      expect(model.roles.heads % model.roles.keyValueHeads).toBe(0);
    });

    it('has an embedding of vocabulary by width that its Gather reads, and a tokenizer with that vocabulary', async () => {
      const { embedding, width } = model.roles;
      const tokenizer = await loadTokenizer(definition, cachedHub());
      const weight = model.onnx.graph.initializers.get(embedding.weight);
      expect(weight?.dims[1]).toBe(width);
      expect(weight?.dims[0]).toBeGreaterThanOrEqual(tokenizer.vocabularySize);
      const node = model.onnx.graph.nodes.find(({ name }) => name === embedding.node);
      expect(node?.op).toBe('Gather');
      expect(node?.inputs[0]).toBe(embedding.weight);
      const { beginOfSequence, endOfSequence, classification, separator, padding } = tokenizer;
      if (model.kind !== 'decoder') expect([classification, separator].includes(undefined)).toBe(false);
      for (const id of [beginOfSequence, endOfSequence, classification, separator, padding]) {
        if (id === undefined) continue;
        expect(id).toBeGreaterThanOrEqual(0);
        expect(id).toBeLessThan(tokenizer.vocabularySize);
      }
    });

    it('accepts the inputs of its kind and returns logits', () => {
      const { inputs, outputs } = model.onnx.graph;
      const second = model.roles.segments ? ['token_type_ids'] : [];
      const names = model.kind === 'decoder' ? ['input_ids'] : ['input_ids', 'attention_mask', ...second];
      const type = { kind: 'tensor', dtype: 'int64', dims: ['batch', 'sequence'] };
      expect(inputs.map((input) => [input.name, input.type])).toEqual(names.map((name) => [name, type]));
      expect(outputs.map(({ name }) => name)).toEqual(['logits']);
      expect(model.id).toBe(definition.id);
      expect(model.architecture).toBe(definition.architecture);
      expect(model.kind).toBe(definition.kind);
    });
  });
});

function expectLinear(model: Model, linear: LinearRole): void {
  const { graph } = model.onnx;
  const node = graph.nodes.find(({ name }) => name === linear.node);
  expect(node, linear.role).toMatchObject({
    op: 'MatMul',
    inputs: [linear.input, linear.weight],
    outputs: [linear.output],
  });
  const weight = graph.initializers.get(linear.weight);
  expect(weight, linear.role).toMatchObject({ dtype: 'float32', dims: [linear.inFeatures, linear.outFeatures] });
  expect(model.weight(linear)).toHaveLength(linear.inFeatures * linear.outFeatures);
}

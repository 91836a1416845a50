import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Model } from '../../../engine/definitions/model.ts';
import { architectures } from '../../../models/shared/architectures/index.ts';
import { buildTransformersModel } from '../../../models/shared/transformers-model.ts';
import { folderFiles } from '../../support/model-files.ts';

const golden = (name: string): string => new URL(`../../golden/transformers/${name}`, import.meta.url).pathname;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'model-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** The golden model with other fields in its config.json; undefined takes one out. */
function changed(name: string, fields: Readonly<Record<string, unknown>>): Promise<Model> {
  const config = JSON.parse(readFileSync(join(golden(name), 'config.json'), 'utf8')) as Record<string, unknown>;
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...config, ...fields }));
  symlinkSync(join(golden(name), 'model.safetensors'), join(folder, 'model.safetensors'));
  return buildTransformersModel('tiny', folderFiles(folder), { contextLimit: 2048 });
}

describe('config.json', () => {
  it.each<[string, string, Readonly<Record<string, unknown>>]>([
    [
      'llama3',
      'as transformers 4 wrote scaled rotary positions',
      {
        rope_parameters: undefined,
        rope_theta: 10_000,
        rope_scaling: {
          rope_type: 'llama3',
          factor: 8,
          low_freq_factor: 1,
          high_freq_factor: 4,
          original_max_position_embeddings: 12,
        },
        torch_dtype: 'float32',
        dtype: undefined,
      },
    ],
    [
      'llama-linear',
      'with the older name of the kind of scaling',
      {
        rope_parameters: undefined,
        rope_theta: 10_000,
        rope_scaling: { type: 'linear', factor: 2 },
      },
    ],
    [
      'gpt-neox',
      'with the share of turned features as Pythia names it',
      { rope_parameters: undefined, rotary_pct: 0.5, rotary_emb_base: 10_000 },
    ],
    [
      'qwen2',
      'without a list of layer types',
      { layer_types: undefined, rope_parameters: undefined, rope_theta: 10_000 },
    ],
    [
      'gemma3',
      'as transformers 4 wrote two bases',
      {
        rope_parameters: undefined,
        rope_theta: 1_000_000,
        rope_local_base_freq: 10_000,
      },
    ],
  ])('%s is the same network %s', async (name, _, fields) => {
    const expected = await buildTransformersModel('tiny', folderFiles(golden(name)), { contextLimit: 2048 });
    expect(await changed(name, fields)).toMatchObject({ roles: expected.roles, onnx: expected.onnx });
  });

  it.each<[string, Readonly<Record<string, unknown>>, RegExp]>([
    [
      'llama3',
      { attention_chunk_size: 8 },
      /fields that the builder of "llama" does not know \(attention_chunk_size: 8\)/,
    ],
    [
      'llama3',
      { num_hidden_layers: 10 ** 9 },
      /"num_hidden_layers" is 1000000000, expected a whole number from 1 to 1000/,
    ],
    ['llama3', { num_hidden_layers: 1000 }, /no tensor "model\.layers\.2\./],
    ['llama3', { num_hidden_layers: 1 }, /tensors belong to no part of the network/],
    ['llama3', { hidden_size: 2 ** 17 }, /config.json and weights do not belong together/],
    ['llama3', { num_key_value_heads: 4 }, /config.json and weights do not belong together/],
    ['llama3', { hidden_act: 'xielu' }, /"hidden_act" is "xielu", expected one of relu, gelu/],
    ['llama3', { mlp_bias: false }, /tensors belong to no part.*bias/],
    ['llama3', { rope_parameters: { rope_type: 'longrope', factor: 4 } }, /"rope_type" is "longrope", expected one of/],
    [
      'llama3',
      { rope_parameters: { rope_type: 'llama3', factor: 4, depth: 2, low_freq_factor: 1, high_freq_factor: 4 } },
      /rope_parameters: 1 fields.*depth/,
    ],
    ['llama3', { quantization_config: { bits: 4 } }, /quantization_config/],
    ['gpt2', { scale_attn_by_inverse_layer_idx: true }, /only false is built/],
    ['bert', { architectures: ['BertForMaskedLM'] }, /built with a head for sequence classification/],
    ['bert', { position_embedding_type: 'relative_key' }, /only "absolute" is built/],
  ])('%s with %j is one clear error at once', async (name, fields, message) => {
    const startedMs = performance.now();
    await expect(changed(name, fields)).rejects.toThrow(message);
    expect(performance.now() - startedMs).toBeLessThan(1000);
  });

  it('of an unknown architecture lists the supported ones', async () => {
    const failing = changed('llama3', { model_type: 'mamba' });
    await expect(failing).rejects.toThrow(
      `"mamba" is not built; those that are: ${architectures.map(({ modelType }) => modelType).join(', ')}`,
    );
  });

  it.each([['[]'], ['{"model_type":'], ['null'], [`${'['.repeat(100_000)}${']'.repeat(100_000)}`]])(
    '%.20s is one clear error',
    async (text) => {
      writeFileSync(join(folder, 'config.json'), text);
      await expect(buildTransformersModel('tiny', folderFiles(folder), { contextLimit: 8 })).rejects.toThrow(
        /config\.json/,
      );
    },
  );
});

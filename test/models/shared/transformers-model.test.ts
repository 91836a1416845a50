/** Each architecture against tiny random models of transformers' own: test/golden/transformers/make.py. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { LinearRole, Model } from '../../../engine/definitions/model.ts';
import { createSession } from '../../../engine/runtime/session.ts';
import { architectures } from '../../../models/shared/architectures/index.ts';
import { buildTransformersModel } from '../../../models/shared/transformers-model.ts';
import { elements, tensorOf } from '../../../numerics/tensor/tensor.ts';
import { folderFiles } from '../../support/model-files.ts';

const GOLDEN = new URL('../../golden/transformers/', import.meta.url);
const names = readdirSync(GOLDEN, { withFileTypes: true }).flatMap((entry) =>
  entry.isDirectory() ? [entry.name] : [],
);

interface GoldenCase {
  readonly label: string;
  readonly inputIds: readonly (readonly number[])[];
  readonly attentionMask: readonly (readonly number[])[];
  readonly tokenTypeIds?: readonly (readonly number[])[];
  readonly dims: readonly number[];
  /** Base64 of little-endian float32. */
  readonly logits: string;
}

const build = (name: string, contextLimit = 2048): Promise<Model> =>
  buildTransformersModel('tiny', folderFiles(new URL(name, GOLDEN).pathname), {
    contextLimit,
    ...(name.endsWith('embedding') && { pooling: 'mean' as const }),
  });

const idsOf = (rows: readonly (readonly number[])[]) =>
  tensorOf('int64', [rows.length, rows[0]?.length ?? 0], BigInt64Array.from(rows.flat(), BigInt));

describe.each(names)('%s', (name) => {
  const { cases } = JSON.parse(readFileSync(new URL(`${name}/golden.json`, GOLDEN), 'utf8')) as {
    cases: readonly GoldenCase[];
  };

  it.each(cases)(
    'gives the logits of transformers within 1e-4 of the largest: $label',
    async ({ logits, dims, ...feeds }) => {
      const model = await build(name);
      const session = await createSession(model.onnx, { threads: 1 });
      const all = {
        input_ids: feeds.inputIds,
        attention_mask: feeds.attentionMask,
        token_type_ids: feeds.tokenTypeIds,
      };
      const given = session.inputs.map(({ name: input }) => {
        const rows = all[input as keyof typeof all];
        if (rows === undefined) throw new Error(`the golden case has no ${input}`);
        return [input, idsOf(rows)] as const;
      });
      const output = (await session.run(Object.fromEntries(given)))['logits'];
      if (output === undefined) throw new Error('no logits');
      expect(output.dims).toEqual(dims);
      const expected = new Float32Array(new Uint8Array(Buffer.from(logits, 'base64')).buffer);
      const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      const ours = elements(output, 'float32');
      // Of a decoder's row, positions of padding mean nothing.
      const perPosition = dims.length === 3 ? (dims[2] as number) : Infinity;
      const mask = feeds.attentionMask.flat();
      let compared = 0;
      for (const [at, value] of expected.entries()) {
        if (Number.isFinite(perPosition) && mask[Math.floor(at / perPosition)] === 0) continue;
        if (Math.abs((ours[at] as number) - value) > 1e-4 * largest) {
          expect.fail(`element ${at}: ${ours[at]}, expected ${value}; largest ${largest}`);
        }
        compared++;
      }
      expect(compared).toBeGreaterThan(expected.length / 2);
      await session.release();
    },
  );

  it('has a role for every MatMul with a weight, of its stated shape, and consecutive layers', async () => {
    const model = await build(name);
    const { graph } = model.onnx;
    const { pooler, head, layers, embedding } = model.roles;
    const roles = [...model.linears, pooler, head].filter((role): role is LinearRole => role !== undefined);
    for (const linear of roles) {
      const node = graph.nodes.find(({ name: of }) => of === linear.node);
      expect(node, linear.role).toMatchObject({
        op: 'MatMul',
        inputs: [linear.input, linear.weight],
        outputs: [linear.output],
      });
      expect(model.weight(linear)).toHaveLength(linear.inFeatures * linear.outFeatures);
      if (linear.bias !== undefined) expect(graph.initializers.get(linear.bias)?.dims).toEqual([linear.outFeatures]);
    }
    const weighted = graph.nodes.filter(({ op, inputs }) => op === 'MatMul' && graph.initializers.has(inputs[1] ?? ''));
    expect(weighted.map(({ name: of }) => of).sort()).toEqual(roles.map(({ node }) => node).sort());
    for (const [index, layer] of layers.entries()) if (index > 0) expect(layer.input).toBe(layers[index - 1]?.output);
    expect(graph.initializers.get(embedding.weight)?.dims).toEqual([61, model.roles.width]);
  });

  it('can be shortened to a smaller context, with the same logits up to there', async () => {
    const [whole, cut] = [await build(name), await build(name, 7)];
    expect(whole.contextLength).toBe(24);
    expect(cut.contextLength).toBe(7);
    const given = idsOf([[3, 9, 27, 5, 44, 60, 8]]);
    const zeros = idsOf([[0, 0, 0, 0, 0, 0, 0]]);
    const ones = idsOf([[1, 1, 1, 1, 1, 1, 1]]);
    const logits = [];
    for (const model of [whole, cut]) {
      const session = await createSession(model.onnx, { threads: 1 });
      const all: Readonly<Record<string, typeof given>> = {
        input_ids: given,
        attention_mask: ones,
        token_type_ids: zeros,
      };
      const feeds = Object.fromEntries(session.inputs.map(({ name: input }) => [input, all[input] as typeof given]));
      logits.push((await session.run(feeds))['logits']);
      await session.release();
    }
    expect(logits[1]).toEqual(logits[0]);
  });
});

describe('the golden models', () => {
  it('cover every supported architecture', () => {
    const types = names.map(
      (name) =>
        (JSON.parse(readFileSync(new URL(`${name}/config.json`, GOLDEN), 'utf8')) as { model_type: string }).model_type,
    );
    expect([...new Set(types)].sort()).toEqual(architectures.map(({ modelType }) => modelType).sort());
  });
});

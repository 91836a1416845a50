import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import datasetDefinition from '../../datasets/tinystories.ts';
import type { Splits } from '../../contracts/dataset.ts';
import type { Model, Tokenizer } from '../../engine/definitions/model.ts';
import { encodeExamples } from '../../engine/model/draw-examples.ts';
import { loadModel, loadTokenizer } from '../../engine/model/load-model.ts';
import { createSession, type Session } from '../../engine/runtime/session.ts';
import { elements, tensorOf } from '../../numerics/tensor/tensor.ts';
import definition from '../../models/stories260k.ts';
import { firstStories } from '../support/first-stories.ts';
import { cachedHub, noHubCache } from '../support/hub-cache.ts';
import { llama2cLogits } from '../support/llama2c-reference.ts';

/** Figures of the publisher, over the first 60 stories of the first 2 MiB of TinyStories-train.txt. */
const PREDICTED_TOKENS = 20_424;
const NATS_PER_TOKEN = 1.2958;

describe.skipIf(noHubCache)(`stories260k${noHubCache ? ` (${noHubCache})` : ''}`, () => {
  let model: Model;
  let tokenizer: Tokenizer;
  let splits: Splits;
  let session: Session;
  beforeAll(async () => {
    const hub = cachedHub();
    [model, tokenizer, splits] = await Promise.all([
      loadModel(definition, hub),
      loadTokenizer(definition, hub),
      datasetDefinition.load(hub),
    ]);
    session = await createSession(model.onnx, { threads: 1 });
  });
  afterAll(() => session.release());

  async function logitsOf(tokens: Int32Array): Promise<Float32Array> {
    const { logits } = await session.run({
      input_ids: tensorOf('int64', [1, tokens.length], BigInt64Array.from(tokens, BigInt)),
    });
    if (!logits) throw new Error('no logits');
    return elements(logits, 'float32');
  }
  const examples = () =>
    encodeExamples({
      dataset: 'tinystories',
      rows: firstStories(splits),
      tokenizer,
      contextLength: model.contextLength,
      kind: model.kind,
    }).examples;

  it('gives the logits of an independent float64 forward pass, up to the whole context', async () => {
    const file = await cachedHub().file({
      kind: 'model',
      repo: 'karpathy/tinyllamas',
      revision: sourceRevision(),
      path: 'stories260K/stories260K.bin',
    });
    const whole = examples().find(({ tokens }) => tokens.length === 512);
    for (const tokens of [examples()[0]?.tokens, whole?.tokens]) {
      if (!tokens) throw new Error('no story of that length');
      const actual = await logitsOf(tokens);
      let largest = 0;
      for (const [position, row] of llama2cLogits(file, Array.from(tokens)).entries()) {
        for (const [id, value] of row.entries()) {
          largest = Math.max(largest, Math.abs(value - (actual[position * 512 + id] as number)));
        }
      }
      expect(largest).toBeLessThan(1e-4);
    }
  });

  it('predicts the first 60 stories as its publisher measured', async () => {
    let predicted = 0;
    let nats = 0;
    for (const { tokens } of examples()) {
      const logits = await logitsOf(tokens);
      for (let position = 0; position + 1 < tokens.length; position++) {
        const row = logits.subarray(position * 512, (position + 1) * 512);
        const largest = row.reduce((a, b) => Math.max(a, b));
        const total = row.reduce((sum, value) => sum + Math.exp(value - largest), 0);
        nats += largest + Math.log(total) - (row[tokens[position + 1] as number] as number);
        predicted++;
      }
    }
    expect(predicted).toBe(PREDICTED_TOKENS);
    expect(Math.abs(nats / predicted - NATS_PER_TOKEN)).toBeLessThan(5e-4);
  });

  it('restores every story after encoding and decoding', () => {
    for (const { text, id } of [...splits.test, ...splits.validation]) {
      expect(tokenizer.decode(tokenizer.encode(text)), id).toBe(text);
    }
    const unusual = 'naïve “quotes”\t🙂 <s> </s> <0x0A>\n\n  two  spaces ';
    expect(tokenizer.decode(tokenizer.encode(unusual))).toBe(unusual);
  });
});

function sourceRevision(): string {
  if (definition.source.kind !== 'hub') throw new Error('stories260k comes from the hub');
  return definition.source.revision;
}

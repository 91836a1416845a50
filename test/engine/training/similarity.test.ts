import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Example, ExampleSet } from '../../../engine/definitions/method.ts';
import type { Model } from '../../../engine/definitions/model.ts';
import { createCalibrationLoss } from '../../../engine/calibrate/calibration-loss.ts';
import { weightFisher } from '../../../engine/calibrate/fisher.ts';
import { encodeExamples } from '../../../engine/model/draw-examples.ts';
import { loadModel } from '../../../engine/model/load-model.ts';
import { tokenBatches } from '../../../engine/training/batches.ts';
import { taskLoss } from '../../../engine/training/loss.ts';
import { adamW } from '../../../engine/training/optimizer.ts';
import { train } from '../../../engine/training/train.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';
import { openModel } from '../../../cli/setup/open-model.ts';
import { cachedHub } from '../../support/hub-cache.ts';

const FOLDER = fileURLToPath(new URL('../../golden/transformers/bert-embedding', import.meta.url));
const random = createRandom('similarity');
const tokens = (length: number) => Int32Array.from({ length }, () => 1 + random.integer(50));
const examples: readonly Example[] = Array.from({ length: 8 }, (_, i) => ({
  tokens: tokens(4 + (i % 3)),
  partner: tokens(5),
  score: i / 7,
}));
const set: ExampleSet = { dataset: 'pairs', contentHash: 'pairs', examples, tokenCount: 80 };
const inputs = ['attention_mask', 'token_type_ids'] as const;

describe('pairs for an embedder', () => {
  let model: Model;
  beforeAll(async () => {
    const folder = mkdtempSync(join(tmpdir(), 'embedder-'));
    cpSync(FOLDER, folder, { recursive: true });
    writeFileSync(join(folder, 'tokenizer.json'), '{}');
    model = await loadModel(await openModel(folder), cachedHub());
    rmSync(folder, { recursive: true });
  });

  it('are rows 2i and 2i + 1 of a batch, with one score', () => {
    const batches = tokenBatches({ examples: set, batch: 4, sequence: 8, seed: 0, inputs, task: 'similarity' });
    expect(batches.batchesPerEpoch).toBe(4);
    expect(batches.shapes).toMatchObject({ input_ids: [4, 8], scores: [2] });
    expect(() => tokenBatches({ examples: set, batch: 3, sequence: 8, seed: 0, task: 'similarity' })).toThrow(/even/);
  });

  it('have the same loss of their cosines in training and calibration', async () => {
    const batches = tokenBatches({ examples: set, batch: 16, sequence: 8, seed: 0, inputs, task: 'similarity' });
    const { history, parameters } = await train({
      model: model.onnx,
      loss: taskLoss(model),
      feeds: [batches],
      optimizer: adamW(),
      schedule: () => 1e-3,
      steps: 6,
    });
    const loss = await createCalibrationLoss({ model, examples });
    expect(history.loss[0]).toBeCloseTo(await loss.measure(), 4);
    await loss.release();
    expect(history.loss.at(-1)).toBeLessThan(history.loss[0]!);
    expect(parameters.size).toBeGreaterThan(0);
  });

  it('have gradients for scoring', async () => {
    const linears = model.linears.slice(0, 1);
    const fisher = await weightFisher({ model, examples: examples.slice(0, 2), linears });
    const [scores] = fisher.values();
    expect(scores!.some((value) => value > 0)).toBe(true);
  });

  it('are two examples each, with the score in the hash', () => {
    const tokenizer = {
      vocabularySize: 128,
      classification: 1,
      separator: 2,
      encode: (text: string) => Int32Array.from(text, (character) => character.charCodeAt(0)),
      decode: () => '',
    };
    const encode = (score: number) =>
      encodeExamples({
        dataset: 'x',
        rows: [{ id: 'a', text: 'A', pair: 'BB', score }],
        tokenizer,
        contextLength: 8,
        kind: 'embedder',
      });
    const { examples: made, contentHash } = encode(0.5);
    expect(made.map((example) => [...example.tokens])).toEqual([
      [1, 65, 2],
      [1, 66, 66, 2],
    ]);
    expect(made.map(({ partner }) => [...(partner ?? [])])).toEqual([
      [1, 66, 66, 2],
      [1, 65, 2],
    ]);
    expect(encode(0.6).contentHash).not.toBe(contentHash);
  });
});

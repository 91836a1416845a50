import { describe, expect, it } from 'vitest';
import type { LayerRoles } from '../../../../engine/definitions/model.ts';
import { captureValues } from '../../../../engine/runtime/capture.ts';
import { elements, type NumericTensor } from '../../../../numerics/tensor/tensor.ts';
import { attentionScores, biasedOutput, lastHidden } from '../../../../methods/shared/training/distilled-values.ts';
import { largestDifference } from '../../../support/run-model.ts';
import { tinyGpt, tinyLlama, tinyModels } from '../../../support/tiny-model.ts';

async function capture(
  model: ReturnType<typeof tinyGpt>,
  values: readonly string[],
): Promise<Record<string, NumericTensor>> {
  const found: Record<string, NumericTensor> = {};
  const examples = [{ tokens: Int32Array.of(1, 9, 17, 4, 33) }];
  await captureValues({
    model: model.onnx,
    values,
    examples,
    visit: (captured) => void Object.assign(found, captured),
  });
  return found;
}
const floats = (tensor: NumericTensor | undefined) => elements(tensor as NumericTensor, 'float32');

describe.each(tinyModels.map((model) => [model.id, model] as const))('attentionScores of %s', (_, model) => {
  it('are the inputs of the softmax, masked where a position is not visible', async () => {
    const layer = model.roles.layers[1] as LayerRoles;
    const { raw, masked, visible } = attentionScores(model, layer);
    const probabilities = 'layers.1.attention.probabilities';
    const found = await capture(model, [raw, masked, visible, probabilities]);
    expect(found[raw]?.dims).toEqual([1, 4, 5, 5]);
    const seen = found[visible]?.bytes ?? new Uint8Array();
    const [before, after, shares] = [raw, masked, probabilities].map((name) => floats(found[name]));
    for (let at = 0; at < 100; at++) {
      const isSeen = model.kind === 'encoder' || at % 5 <= Math.floor(at / 5) % 5;
      if (model.kind === 'decoder') expect(seen[at % 25]).toBe(isSeen ? 1 : 0);
      if (isSeen) expect(after?.[at]).toBe(before?.[at]);
      else expect(shares?.[at]).toBe(0);
    }
    for (let row = 0; row < 20; row++) {
      const scores = [...(after ?? [])].slice(5 * row, 5 * row + 5);
      const total = scores.reduce((sum, score) => sum + Math.exp(score), 0);
      const expected = scores.map((score) => Math.exp(score) / total);
      expect(largestDifference(expected, shares?.slice(5 * row, 5 * row + 5) ?? [])).toBeLessThan(1e-6);
    }
  });
});

describe('lastHidden, biasedOutput', () => {
  it('lead to the logits of a decoder', async () => {
    for (const model of [tinyGpt(), tinyLlama({ tied: false })]) {
      const name = lastHidden(model);
      const found = await capture(model, [name, 'logits']);
      const [hidden, logits] = [floats(found[name]), floats(found['logits'])];
      const { head, embedding } = model.roles;
      const table = floats(model.onnx.graph.initializers.get(head?.weight ?? embedding.weight) as NumericTensor);
      const product = Array.from({ length: 64 }, (_, token) => {
        let sum = 0;
        for (let i = 0; i < 32; i++) sum += hidden[i]! * (head ? table[i * 64 + token]! : table[token * 32 + i]!);
        return sum;
      });
      expect(largestDifference(product, logits.subarray(0, 64))).toBeLessThan(1e-4);
    }
  });

  it('are the last layer’s output of an encoder, and a projection with its bias', () => {
    const bert = tinyModels.find(({ kind }) => kind === 'encoder') as (typeof tinyModels)[number];
    expect(lastHidden(bert)).toBe(bert.roles.layers[1]?.output);
    const { v } = bert.roles.layers[0] as LayerRoles;
    expect(biasedOutput(bert, v)).toBe('layers.0.v.biased');
    const { v: bare } = tinyLlama().roles.layers[0] as LayerRoles;
    expect(biasedOutput(tinyLlama(), bare)).toBe(bare.output);
  });
});

/** Scoring in sessions of their own against one session of both, over the forms that heads take in artifacts. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { TaskItems } from '../../../contracts/task-items.ts';
import type { Method } from '../../../engine/definitions/method.ts';
import type { Model } from '../../../engine/definitions/model.ts';
import { findHeadInputs } from '../../../harness/judge/decoder-head.ts';
import { hasDenseScores, readDenseScores } from '../../../harness/judge/dense-scores.ts';
import { evaluateCandidate, evaluateTask, scoreDense } from '../../../harness/judge/evaluate-task.ts';
import { checkPair } from '../../../harness/judge/pair-check.ts';
import { evenBlocks } from '../../../harness/judge/token-scores.ts';
import fp16 from '../../../methods/quantization/fp16.ts';
import int8Dynamic from '../../../methods/quantization/int8-dynamic.ts';
import rtn from '../../../methods/quantization/rtn.ts';
import { createNode } from '../../../numerics/onnx/node.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';
import { methodContext } from '../../support/method-context.ts';
import { tinyBert, tinyGpt, tinyLlama } from '../../support/tiny-model.ts';

const random = createRandom('separate scoring');
const draw = (length: number) => Int32Array.from({ length }, () => random.integer(64));
const texts: TaskItems = {
  metric: 'perplexity',
  items: [9, 100, 31].map((length, i) => ({ id: `text-${i}`, tokens: draw(length) })),
};
const choices: TaskItems = {
  metric: 'choice-accuracy',
  items: [5, 6].map((start, i) => {
    const context = draw(start);
    const sequences = [1, 3].map((n) => Int32Array.of(...context, ...draw(n)));
    return { id: `q-${i}`, label: 0, choices: sequences, starts: [start, start], characters: [2, 6] };
  }),
};
const classes: TaskItems = {
  metric: 'classification-accuracy',
  items: [4, 8].map((length, i) => ({ id: `c-${i}`, tokens: draw(length), label: i })),
};
const folder = mkdtempSync(join(tmpdir(), 'separate-scoring-'));
afterAll(() => rmSync(folder, { recursive: true }));

const llama = tinyLlama({ contextLength: 128 });

async function compressed(method: Method, variant: string): Promise<Model> {
  return method.compress(llama, methodContext({ method, variant, model: llama }).context);
}

/** A head of an operator that is not known to treat tokens by themselves. */
function strangeHead(model: Model): Model {
  const { graph } = model.onnx;
  const nodes = graph.nodes.map((node) =>
    node.outputs[0] === 'logits' ? { ...node, outputs: ['plain_logits'] } : node,
  );
  const softsign = createNode({ op: 'Softsign', name: 'strange', inputs: ['plain_logits'], outputs: ['logits'] });
  return model.withOnnx({ ...model.onnx, graph: { ...graph, nodes: [...nodes, softsign] } });
}

describe('findHeadInputs', () => {
  it('cuts before the output layer’s product', () => {
    for (const model of [llama, tinyGpt(), tinyLlama({ tied: false })]) {
      const { rows, wholes } = findHeadInputs(model.onnx.graph);
      expect(rows).toHaveLength(1);
      expect(rows).not.toContain('logits');
      expect(wholes).toEqual([]);
    }
  });

  it('also passes scale and zero point of activations, and stops at operators it does not know', async () => {
    const quantized = await compressed(int8Dynamic, 'channel-e8');
    const { rows, wholes } = findHeadInputs(quantized.onnx.graph);
    expect([rows.length, wholes.length]).toEqual([1, 2]);
    expect(findHeadInputs(strangeHead(llama).onnx.graph)).toEqual({ rows: ['logits'], wholes: [] });
  });
});

describe('scoring in separate sessions', () => {
  it.each([
    ['float32', async () => tinyLlama({ contextLength: 128, seed: 1 })],
    ['a head of integers', () => compressed(int8Dynamic, 'channel-e8')],
    ['a head of 4-bit blocks', () => compressed(rtn, 'w4g32-e4')],
    ['float16', () => compressed(fp16, Object.keys(fp16.variants)[0] ?? '')],
    ['a strange head', async () => strangeHead(tinyLlama({ contextLength: 128, seed: 1 }))],
  ])('agrees with one session for both: %s', async (_, make) => {
    const candidate = (await make()).onnx;
    for (const task of [texts, choices]) {
      const { items } = await evaluateTask({ dense: llama.onnx, candidate, task });
      await checkPair({ dense: llama.onnx, candidate, task, items });
    }
  });

  it('detects stored scores of another dense model', async () => {
    const [dense, candidate] = [llama.onnx, tinyLlama({ contextLength: 128, seed: 2 }).onnx];
    const { items } = await evaluateTask({ dense, candidate, task: texts });
    const other = tinyLlama({ contextLength: 128, seed: 3 }).onnx;
    await expect(checkPair({ dense: other, candidate, task: texts, items })).rejects.toThrow(
      /scoring item text-0: denseNegativeLogLikelihood is .* in one session/,
    );
  });

  it('agrees on classes', async () => {
    const [dense, candidate] = [tinyBert().onnx, tinyBert({ seed: 5 }).onnx];
    const { items } = await evaluateTask({ dense, candidate, task: classes });
    await checkPair({ dense, candidate, task: classes, items });
  });
});

describe('stored scores of dense', () => {
  it('equal scores computed beside the artifact, and give exactly 0 between dense and itself', async () => {
    const candidate = tinyLlama({ contextLength: 128, seed: 1 }).onnx;
    for (const task of [texts, choices]) {
      const kept = join(folder, task.metric);
      expect(hasDenseScores(kept)).toBe(false);
      await scoreDense({ dense: llama.onnx, task, folder: kept });
      expect(hasDenseScores(kept)).toBe(true);
      const denseScores = readDenseScores(kept);
      const beside = await evaluateTask({ dense: llama.onnx, candidate, task });
      expect(await evaluateCandidate({ candidate, task, denseScores })).toEqual(beside);
      const itself = await evaluateCandidate({ candidate: llama.onnx, task, denseScores });
      expect(itself.items.klDivergence).toEqual(itself.items.ids.map(() => 0));
      expect(itself.items.negativeLogLikelihood).toEqual(itself.items.denseNegativeLogLikelihood);
    }
  });
});

describe('evenBlocks', () => {
  it('divides all rows into blocks of nearly equal size', () => {
    expect(evenBlocks(65)).toEqual([
      { start: 0, end: 32 },
      { start: 32, end: 65 },
    ]);
    expect(evenBlocks(1)).toEqual([{ start: 0, end: 1 }]);
    expect(evenBlocks(128).map(({ start, end }) => end - start)).toEqual([64, 64]);
  });
});

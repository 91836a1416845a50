import { afterAll, describe, expect, it } from 'vitest';
import { InputError } from '../../../contracts/errors.ts';
import { createSession, type Session } from '../../../engine/runtime/session.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';
import { elements, tensorOf } from '../../../numerics/tensor/tensor.ts';
import { buildLlama } from '../../../models/shared/llama-graph.ts';
import { llama2cFile, llama2cLogits } from '../../support/llama2c-reference.ts';
import { tinyLlama, tinyLlamaParts } from '../../support/tiny-model.ts';

const random = createRandom('llama-graph');
const tokens = (count: number, vocabulary = 64): number[] =>
  Array.from({ length: count }, () => random.integer(vocabulary));

const sessions: Session[] = [];
afterAll(() => Promise.all(sessions.map((session) => session.release())));
async function open(model: { onnx: Parameters<typeof createSession>[0] }): Promise<Session> {
  const session = await createSession(model.onnx, { threads: 1 });
  sessions.push(session);
  return session;
}
async function logitsOf(session: Session, batch: readonly (readonly number[])[]): Promise<Float32Array> {
  const ids = BigInt64Array.from(batch.flat(), BigInt);
  const { logits } = await session.run({
    input_ids: tensorOf('int64', [batch.length, ids.length / batch.length], ids),
  });
  if (!logits) throw new Error('no logits');
  return elements(logits, 'float32');
}
const largestDifference = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  expect(a).toHaveLength(b.length);
  return Array.from(a).reduce((largest, value, index) => Math.max(largest, Math.abs(value - (b[index] as number))), 0);
};

describe('buildLlama', () => {
  it.each([
    ['grouped-query attention, tied embedding', {}],
    ['a key-value head per query head, an output layer of its own', { keyValueHeads: 4, tied: false }],
    ['one key-value head for all', { keyValueHeads: 1, layers: 1 }],
    ['heads of the smallest width', { heads: 16, keyValueHeads: 8 }],
  ])('agrees with the float64 forward pass: %s', async (_, options) => {
    const { config, weights } = tinyLlamaParts(options);
    const ids = tokens(config.contextLength);
    const expected = llama2cLogits(llama2cFile(config, weights), ids).flatMap((row) => Array.from(row));
    const session = await open(tinyLlama(options));
    expect(largestDifference(await logitsOf(session, [ids]), expected)).toBeLessThan(2e-5);
  });

  it('lets no position see a later one, for any length of the sequence', async () => {
    const session = await open(tinyLlama());
    const ids = tokens(32);
    const whole = await logitsOf(session, [ids]);
    for (const length of [1, 7, 31]) {
      const cut = await logitsOf(session, [ids.slice(0, length)]);
      expect(largestDifference(cut, whole.subarray(0, length * 64))).toBeLessThan(1e-5);
    }
    const changed = await logitsOf(session, [[...ids.slice(0, 20), ...tokens(12)]]);
    expect(largestDifference(changed.subarray(0, 20 * 64), whole.subarray(0, 20 * 64))).toBe(0);
    expect(largestDifference(changed.subarray(20 * 64), whole.subarray(20 * 64))).toBeGreaterThan(0.1);
  });

  it('computes the rows of a batch independently', async () => {
    const session = await open(tinyLlama());
    const rows = [tokens(9), tokens(9), tokens(9)];
    const together = await logitsOf(session, rows);
    for (const [index, row] of rows.entries()) {
      const alone = await logitsOf(session, [row]);
      expect(largestDifference(alone, together.subarray(index * 9 * 64, (index + 1) * 9 * 64))).toBeLessThan(1e-5);
    }
  });

  it('refuses sequences beyond the context', async () => {
    const session = await open(tinyLlama());
    await expect(logitsOf(session, [tokens(33)])).rejects.toThrow(InputError);
  });

  it('uses standard operators only and names every node uniquely', () => {
    const { nodes } = tinyLlama().onnx.graph;
    expect(nodes.filter(({ domain }) => domain !== '')).toEqual([]);
    expect(new Set(nodes.map(({ name }) => name)).size).toBe(nodes.length);
    expect(nodes.map(({ name }) => name)).toContain('layers.1.attention.scores');
  });

  it('stores the tied embedding once', () => {
    const shapes = [...tinyLlama().onnx.graph.initializers].filter(([, { dims }]) => dims.includes(64));
    expect(shapes.map(([name]) => name)).toEqual(['embedding.weight']);
  });

  it('refuses heads that do not divide the width and weights of another size', () => {
    const { config, weights } = tinyLlamaParts();
    expect(() => buildLlama('odd', { ...config, heads: 5 }, weights)).toThrow(/odd: width 32, 5 heads/);
    expect(() => buildLlama('odd', { ...config, keyValueHeads: 3 }, weights)).toThrow(InputError);
    expect(() => buildLlama('odd', { ...config, hiddenWidth: 47 }, weights)).toThrow(/float32\[32, 47\]/);
  });
});

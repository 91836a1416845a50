import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  hasLearningRate,
  rateOf,
  rateRemark,
  readLearningRates,
  writeLearningRates,
} from '../../../harness/plan/learning-rates.ts';
import { planTrials } from '../../../harness/plan/plan.ts';
import qat from '../../../methods/quantization/qat.ts';
import rtn from '../../../methods/quantization/rtn.ts';
import { runnerOf } from '../../support/rows.ts';
import { tinyEntry } from '../../support/tiny-suite.ts';

const folder = mkdtempSync(join(tmpdir(), 'shrinkrank-rates-'));
afterAll(() => rmSync(folder, { recursive: true }));
const variant = 'w2g32-t100k';
const rate = {
  revision: qat.revision,
  learningRate: 1e-3,
  tokens: 250_000,
  cpuSeconds: 61.2,
  losses: { '3e-4': 0.2, '1e-3': 0.1, '3e-3': null },
};

describe('learning rates', () => {
  it('round-trip', () => {
    const path = join(folder, 'rates.json');
    expect(readLearningRates(path)).toEqual({});
    writeLearningRates(path, { b: { 'qat/x': rate }, a: { 'qat/x': rate } });
    expect(Object.keys(readLearningRates(path))).toEqual(['a', 'b']);
    expect(readLearningRates(path)['b']).toEqual({ 'qat/x': rate });
    writeFileSync(path, '{"a": {"qat/x": {"learningRate": 0}}}');
    expect(() => readLearningRates(path)).toThrow(/rates\.json: a\.qat\/x.*shrinkrank tune/);
  });

  it('apply only to the revision and the model they were found with', () => {
    const rates = { m: { [`qat/${variant}`]: rate } };
    expect(rateOf(rates, { method: qat, variant, model: 'm' })).toBe(rate);
    expect(rateOf(rates, { method: { ...qat, revision: qat.revision + 1 }, variant, model: 'm' })).toBeUndefined();
    expect(rateOf(rates, { method: qat, variant, model: 'other' })).toBeUndefined();
  });

  it('replace the default in a plan and its keys', () => {
    const registration = { method: qat, file: '/nowhere/qat.ts' };
    const { model } = tinyEntry([]);
    const planned = (rates: Parameters<typeof rateOf>[0]) =>
      planTrials([tinyEntry([{ registration: { ...registration, rates }, variant }])], runnerOf())[0];
    const [without, found] = [planned({}), planned({ [model.id]: { [`qat/${variant}`]: rate } })];
    expect(without?.identity.params).toEqual(qat.variants[variant]);
    expect(without?.rate).toBeUndefined();
    expect(found?.identity.params).toEqual({ ...qat.variants[variant], learningRate: 1e-3 });
    expect(found?.rate).toBe(rate);
    expect(found?.key).not.toBe(without?.key);
  });

  it('are noted with the cost of their search', () => {
    expect(rateRemark(qat, rate)).toEqual([
      'learning rate: 0.001, the best of 3 on the validation split; search cost: 250 k tokens, 61.2 s of processor time',
    ]);
    expect(rateRemark(qat, undefined)[0]).toContain('default');
    expect(rateRemark(rtn, undefined)).toEqual([]);
    expect([qat, rtn].map(hasLearningRate)).toEqual([true, false]);
  });
});

import { describe, expect, it } from 'vitest';
import { rules, ruleFiles } from '../../../numerics/autodiff/rules/index.ts';
import { checkGradient, toleranceOf } from '../../support/gradient-check.ts';
import { CASES } from './rules/cases.ts';

const keyOf = (rule: { readonly op: string; readonly domain?: string }): string =>
  rule.domain ? `${rule.domain}:${rule.op}` : rule.op;

describe('gradient rules', () => {
  it('all have test cases', () => {
    expect(rules.map(keyOf).filter((key) => (CASES[key] ?? []).length === 0)).toEqual([]);
  });

  it('are exactly those with test cases', () => {
    const known = new Set(rules.map(keyOf));
    expect(Object.keys(CASES).filter((key) => !known.has(key))).toEqual([]);
  });
});

for (const [file, list] of Object.entries(ruleFiles)) {
  describe(`rules/${file} against central differences`, () => {
    for (const rule of list) {
      for (const item of CASES[keyOf(rule)] ?? []) {
        it(`${keyOf(rule)}: ${item.name}`, async () => {
          const { worstError } = await checkGradient(rule, item);
          expect(worstError).toBeLessThan(toleranceOf(item.dtype));
        });
      }
    }
  });
}

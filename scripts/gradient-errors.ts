/**
 * Prints the worst error of every gradient rule file against central differences, relative to the largest element of the
 * gradient, by element type: npx node scripts/gradient-errors.ts
 */
import Table from 'cli-table3';
import { ruleFiles } from '../numerics/autodiff/rules/index.ts';
import { CASES } from '../test/numerics/autodiff/rules/cases.ts';
import { checkGradient, toleranceOf } from '../test/support/gradient-check.ts';

const types = ['float64', 'float32'] as const;
const table = new Table({
  head: [
    'rules',
    'operators',
    'cases',
    ...types.map((type) => `${type} (limit ${toleranceOf(type).toExponential(0)})`),
    'worst',
  ],
  style: { head: [], border: [] },
});
for (const [file, rules] of Object.entries(ruleFiles)) {
  const worst = { float64: 0, float32: 0 };
  let count = 0;
  let name = '';
  for (const rule of rules) {
    const key = rule.domain ? `${rule.domain}:${rule.op}` : rule.op;
    for (const item of CASES[key] ?? []) {
      const { worstError } = await checkGradient(rule, item);
      const type = item.dtype ?? 'float64';
      const share = (error: number, of: keyof typeof worst): number => error / toleranceOf(of);
      const before = Math.max(share(worst.float64, 'float64'), share(worst.float32, 'float32'));
      if (share(worstError, type) >= before) name = `${key}: ${item.name}`;
      worst[type] = Math.max(worst[type], worstError);
      count++;
    }
  }
  table.push([
    file,
    rules.length,
    count,
    ...types.map((type) => (worst[type] === 0 ? '-' : worst[type].toExponential(1))),
    name,
  ]);
}
console.log(table.toString());

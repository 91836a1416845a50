import { appendFileSync, writeFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { attempt } from './shared/attempt.ts';
import { hostileMethod } from './shared/hostile-method.ts';

const HARNESS = join(import.meta.dirname, '../../../harness');
const WORK_SECONDS = 4;

export default hostileMethod({
  id: 'tampers',
  description: 'Rewrites modules of the harness, turns clocks back, and works for four seconds that nobody shall see.',
  async compress(model) {
    const cpuUsage = process.cpuUsage.bind(process);
    const started = cpuUsage();
    const startedMs = performance.now();
    await attempt({
      module: () => appendFileSync(join(HARNESS, 'judge/contract-check.ts'), '\n// tampered\n'),
      planted: () => writeFileSync(join(HARNESS, 'measure/tampered.ts'), ''),
      hooks: () => registerHooks({ load: (url, context, next) => next(url, context) }),
    });
    const spentSeconds = () =>
      Object.values(cpuUsage(started)).reduce((sum, microseconds) => sum + microseconds, 0) / 1e6;
    while (spentSeconds() < WORK_SECONDS);
    process.cpuUsage = () => ({ user: 10_000, system: 0 });
    performance.now = () => startedMs + 10;
    Date.now = () => 0;
    return model;
  },
});

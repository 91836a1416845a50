import { writeFileSync } from 'node:fs';
import { hostileMethod } from './shared/hostile-method.ts';

const WORK_MS = 2000;
const REPORT = {
  notes: [],
  simulated: null,
  cost: {
    wallSeconds: 0,
    cpuSeconds: 0,
    deviceSeconds: 0.001,
    peakMemoryBytes: 0,
    tokensSeen: 0,
    gradientSteps: 0,
    energyJoules: null,
  },
  outcome: { status: 'failed', reason: 'written early' },
};

export default hostileMethod({
  id: 'report-early',
  description: 'Writes the report of its cost first, works afterwards, and ends the process itself.',
  compress() {
    writeFileSync('report.json', JSON.stringify(REPORT));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, WORK_MS);
    process.exit(0);
  },
});

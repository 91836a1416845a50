import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as v from 'valibot';
import { costSchema } from '../../../contracts/result.ts';
import { startCostMeter } from '../../../harness/measure/cost.ts';
import { startEnergyMeter } from '../../../harness/measure/energy.ts';
import { peakResidentBytes, residentBytes } from '../../../harness/measure/process-memory.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'shrinkrank-powercap-'));
});
afterEach(() => rmSync(root, { recursive: true }));

function setZone(zone: string, name: string, microjoules: number): void {
  const folder = join(root, zone);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'name'), `${name}\n`);
  writeFileSync(join(folder, 'max_energy_range_uj'), '1000000\n');
  writeFileSync(join(folder, 'energy_uj'), `${microjoules}\n`);
}

describe('startEnergyMeter', () => {
  it('sums the packages, handles the counter’s wrap-around, and excludes sub-zones and the platform', () => {
    setZone('intel-rapl:0', 'package-0', 900_000);
    setZone('intel-rapl:1', 'package-1', 100_000);
    setZone('intel-rapl:0:0', 'core', 0);
    setZone('intel-rapl:2', 'psys', 0);
    const meter = startEnergyMeter(root);
    setZone('intel-rapl:0', 'package-0', 50_000);
    setZone('intel-rapl:1', 'package-1', 300_000);
    setZone('intel-rapl:0:0', 'core', 999_999);
    setZone('intel-rapl:2', 'psys', 999_999);
    expect(meter.joules()).toBeCloseTo(0.15 + 0.2, 12);
    setZone('intel-rapl:1', 'package-1', 400_000);
    expect(meter.joules()).toBeCloseTo(0.45, 12);
  });

  it('returns null where there is no counter or it disappeared', () => {
    expect(startEnergyMeter(join(root, 'none')).joules()).toBeNull();
    setZone('intel-rapl:0', 'package-0', 1);
    const meter = startEnergyMeter(root);
    rmSync(join(root, 'intel-rapl:0', 'energy_uj'));
    expect(meter.joules()).toBeNull();
  });
});

describe('startCostMeter', () => {
  it('measures time and memory of the work and adds the reported values', () => {
    const meter = startCostMeter({ powercapRoot: root });
    const block = new Float64Array(4 * 2 ** 20).fill(1); // 32 MiB
    let x = block[0] as number;
    while (process.cpuUsage().user >= 0 && meter.read({ tokensSeen: 0, gradientSteps: 0 }).cpuSeconds < 0.05) x += 1;
    const cost = meter.read({ tokensSeen: 7, gradientSteps: 3 });
    expect(v.parse(costSchema, cost)).toEqual(cost);
    expect(cost).toMatchObject({ tokensSeen: 7, gradientSteps: 3, deviceSeconds: null, energyJoules: null });
    expect(cost.wallSeconds).toBeGreaterThan(0);
    expect(cost.peakMemoryBytes).toBeGreaterThan(block.byteLength);
    expect(x).toBeGreaterThan(0);
  });

  it.skipIf(process.platform !== 'linux')('includes the time of processes that the work started and waited for', () => {
    const meter = startCostMeter({ powercapRoot: root });
    execFileSync(process.execPath, ['-e', 'while (process.cpuUsage().user < 400_000);']);
    const { cpuSeconds } = meter.read({ tokensSeen: 0, gradientSteps: 0 });
    // Whole ticks of 10 ms, of the child's user time alone.
    expect(cpuSeconds).toBeGreaterThan(0.37);
  });
});

describe('peakResidentBytes', () => {
  it('covers this process only, however large its parent is', () => {
    const ballast = Buffer.alloc(300 * 2 ** 20, 1);
    const module = new URL('../../../harness/measure/process-memory.ts', import.meta.url).href;
    const script = `const m = await import('${module}'); console.log(m.peakResidentBytes())`;
    const peak = Number(execFileSync(process.execPath, ['--input-type=module', '-e', script]).toString());
    expect(ballast[0]).toBe(1);
    expect(peak).toBeGreaterThan(10 * 2 ** 20);
    expect(peak).toBeLessThan(200 * 2 ** 20);
    expect(peakResidentBytes()).toBeGreaterThanOrEqual(residentBytes() / 2);
  });
});

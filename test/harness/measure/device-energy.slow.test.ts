import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { canMeasureEnergy, measureJoulesPerCall, powersOf } from '../../../harness/measure/device-energy.ts';

const folder = mkdtempSync(join(tmpdir(), 'energy-'));
const { PATH } = process.env;
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => void (process.env['PATH'] = PATH));

/** A command of that name which tells of so many devices, and this power over and over. */
function commandTelling(devices: number, watts: string): void {
  const xml = '<gpu><minor_number>0</minor_number></gpu>'.repeat(devices);
  writeFileSync(
    join(folder, 'nvidia-smi'),
    `#!/bin/sh\nif [ "$1" = -q ]; then echo '${xml}'; exit; fi\nwhile :; do echo '${watts}'; sleep 0.1; done\n`,
  );
  chmodSync(join(folder, 'nvidia-smi'), 0o755);
  process.env['PATH'] = `${folder}:${PATH}`;
}

describe('measureJoulesPerCall', () => {
  const call = () => new Promise((resolve) => setTimeout(resolve, 50));

  it('is power times time divided by calls', async () => {
    commandTelling(1, '100.00');
    expect(await canMeasureEnergy()).toBe(true);
    const joules = await measureJoulesPerCall(call, 2);
    // 100 W for at least 50 ms; a busy machine takes longer.
    expect(joules).toBeGreaterThan(4.5);
    expect(joules).toBeLessThan(20);
  });

  it('is null where no power is reported, and not requested where there are several devices', async () => {
    commandTelling(1, '[N/A]');
    expect(await measureJoulesPerCall(call, 0.3)).toBeNull();
    commandTelling(2, '100.00');
    expect(await canMeasureEnergy()).toBe(false);
  });
});

describe('powersOf', () => {
  it('reads complete lines only', () => {
    expect(powersOf('71.5\n[N/A]\n300\n12')).toEqual([71.5, 300]);
  });
});

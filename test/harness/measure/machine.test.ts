import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import * as v from 'valibot';
import { type Machine, machineSchema, runnerSchema } from '../../../contracts/runner.ts';
import { instructionSetsOf, readMachine, readProcessor, runnerOf } from '../../../harness/measure/machine.ts';

describe('readMachine', () => {
  it('matches its schema and is the same twice', () => {
    const machine = readMachine();
    expect(v.parse(machineSchema, machine)).toEqual(machine);
    expect(readMachine()).toEqual(machine);
    expect(machine.onnxRuntime).toMatch(/^\d+\.\d+\.\d+/);
    expect(machine.memoryBytes % 2 ** 30).toBe(0);
  });
});

describe('instructionSetsOf', () => {
  it('keeps the instruction sets that select kernels, in one order, from x86 and Arm', () => {
    const x86 = 'processor\t: 0\nflags\t\t: fpu avx512_vnni sse4_1 avx2 clflush avx\nbugs\t: none\n';
    expect(instructionSetsOf(x86)).toEqual(['sse4_1', 'avx', 'avx2', 'avx512_vnni']);
    expect(instructionSetsOf('Features\t: fp asimd evtstrm i8mm bf16\n')).toEqual(['asimd', 'i8mm', 'bf16']);
    expect(instructionSetsOf('')).toEqual([]);
  });
});

describe('runnerOf', () => {
  const machine = readMachine();

  it('distinguishes machines and providers by their fingerprint, not by the order of fields', () => {
    const runner = runnerOf('cpu', machine);
    expect(v.parse(runnerSchema, runner)).toEqual(runner);
    expect(runner.fingerprint).toMatch(/^[0-9a-f]{16}$/);
    const turned = Object.fromEntries(Object.entries(machine).toReversed()) as typeof machine;
    expect(runnerOf('cpu', turned).fingerprint).toBe(runner.fingerprint);
    expect(runnerOf('cuda', machine).fingerprint).not.toBe(runner.fingerprint);
    expect(runnerOf('cpu', { ...machine, onnxRuntime: '0.0.0' }).fingerprint).not.toBe(runner.fingerprint);
  });

  it('is the same runner after a patch of kernel or Node, and another on another processor', () => {
    const here: Machine = { ...machine, operatingSystem: 'Linux 6.1.4-a', node: '24.1.0' };
    const fingerprintOf = (change: Partial<Machine>) => runnerOf('cpu', { ...here, ...change }).fingerprint;
    const same = fingerprintOf({});
    expect(fingerprintOf({ operatingSystem: 'Linux 6.1.155-b', node: '24.22.1' })).toBe(same);
    const processor = readProcessor('stepping\t: 99\n', 'nowhere');
    for (const change of [{ operatingSystem: 'Linux 6.2.4-a' }, { node: '25.1.0' }, { processor }]) {
      expect(fingerprintOf(change)).not.toBe(same);
    }
  });
});

describe('readProcessor', () => {
  it('reads x86 and Arm, and the caches that Linux lists', () => {
    const root = mkdtempSync(join(tmpdir(), 'caches-'));
    onTestFinished(() => rmSync(root, { recursive: true }));
    for (const [index, [level, type, size]] of [
      ['1', 'Data', '48K'],
      ['2', 'Unified', '2048K'],
    ].entries()) {
      mkdirSync(join(root, `index${index}`));
      for (const [name, value] of Object.entries({ level, type, size })) {
        writeFileSync(join(root, `index${index}`, name), `${value}\n`);
      }
    }
    const x86 =
      'vendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 143\nmodel name\t: Xeon\nstepping\t: 8\n' +
      'flags\t\t: fpu constant_tsc\nbogomips\t: 3999.98\n';
    expect(readProcessor(x86, root)).toEqual({
      vendor: 'GenuineIntel',
      family: '6',
      model: '143',
      stepping: '8',
      caches: ['L1d 48K', 'L2 2048K'],
      baseMhz: 2000,
    });
    const arm =
      'BogoMIPS\t: 2100.00\nCPU implementer\t: 0x41\nCPU architecture: 8\nCPU part\t: 0xd40\nCPU revision\t: 1\n';
    expect(readProcessor(arm, 'nowhere')).toEqual({
      vendor: '0x41',
      family: '8',
      model: '0xd40',
      stepping: '1',
      caches: [],
      baseMhz: null,
    });
  });
});

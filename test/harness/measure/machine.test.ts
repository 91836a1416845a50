import { describe, expect, it } from 'vitest';
import * as v from 'valibot';
import { machineSchema, runnerSchema } from '../../../contracts/runner.ts';
import { instructionSetsOf, readMachine, runnerOf } from '../../../harness/measure/machine.ts';

describe('readMachine', () => {
  it('fits its schema and says the same twice', () => {
    const machine = readMachine();
    expect(v.parse(machineSchema, machine)).toEqual(machine);
    expect(readMachine()).toEqual(machine);
    expect(machine.onnxRuntime).toMatch(/^\d+\.\d+\.\d+/);
    expect(machine.memoryBytes % 2 ** 30).toBe(0);
  });
});

describe('instructionSetsOf', () => {
  it('keeps what decides kernels, in one order, from x86 and Arm', () => {
    const x86 = 'processor\t: 0\nflags\t\t: fpu avx512_vnni sse4_1 avx2 clflush avx\nbugs\t: none\n';
    expect(instructionSetsOf(x86)).toEqual(['sse4_1', 'avx', 'avx2', 'avx512_vnni']);
    expect(instructionSetsOf('Features\t: fp asimd evtstrm i8mm bf16\n')).toEqual(['asimd', 'i8mm', 'bf16']);
    expect(instructionSetsOf('')).toEqual([]);
  });
});

describe('runnerOf', () => {
  const machine = readMachine();

  it('tells machines and providers apart by their fingerprint, not by the order of fields', () => {
    const runner = runnerOf('cpu', machine);
    expect(v.parse(runnerSchema, runner)).toEqual(runner);
    expect(runner.fingerprint).toMatch(/^[0-9a-f]{16}$/);
    const turned = Object.fromEntries(Object.entries(machine).toReversed()) as typeof machine;
    expect(runnerOf('cpu', turned).fingerprint).toBe(runner.fingerprint);
    expect(runnerOf('cuda', machine).fingerprint).not.toBe(runner.fingerprint);
    expect(runnerOf('cpu', { ...machine, onnxRuntime: '0.0.0' }).fingerprint).not.toBe(runner.fingerprint);
  });
});

import { describe, expect, it } from 'vitest';
import type { SandboxSupport } from '../../../harness/sandbox/sandbox.ts';
import { permissionFlagOf, sandboxFor, sandboxRemarks } from '../../../harness/sandbox/sandbox-support.ts';

const WHOLE: SandboxSupport = {
  isolation: 'all',
  userNamespace: true,
  deathSignal: true,
  callFilter: true,
  permissionFlag: '--permission',
  reason: null,
};
const NONE: SandboxSupport = {
  ...WHOLE,
  isolation: 'none',
  callFilter: false,
  reason: 'unshare: Operation not permitted',
};

describe('sandboxFor', () => {
  it('takes what the machine has, or demands all of it, or leaves it', () => {
    expect(sandboxFor('auto', () => NONE)).toBe(NONE);
    expect(sandboxFor('required', () => WHOLE)).toBe(WHOLE);
    expect(() => sandboxFor('required', () => NONE)).toThrow(
      /this machine cannot sandbox methods: unshare: Operation not/,
    );
    expect(() => sandboxFor('required', () => ({ ...WHOLE, isolation: 'network' as const }))).toThrow(
      /cannot sandbox methods/,
    );
    expect(() => sandboxFor('required', () => ({ ...WHOLE, callFilter: false }))).toThrow(/cannot sandbox methods/);
    expect(() => sandboxFor('required', () => ({ ...WHOLE, permissionFlag: null }))).toThrow(/no permission model/);
    expect(sandboxFor('off', () => WHOLE)).toMatchObject({ isolation: 'none', permissionFlag: null });
  });
});

it('marks rows with what a method was not cut off from', () => {
  expect(sandboxRemarks(WHOLE)).toEqual([]);
  expect(sandboxRemarks({ ...WHOLE, isolation: 'network' })).toEqual(['not shut in: files of the machine in sight']);
  expect(sandboxRemarks({ ...WHOLE, callFilter: false })).toEqual(['not shut in: system calls not filtered']);
  expect(sandboxRemarks(NONE)).toEqual([
    'not shut in: network not cut off, files of the machine in sight, system calls not filtered',
  ]);
});

it.each([
  ['18.20.0', null],
  ['20.20.2', '--experimental-permission'],
  ['22.12.0', '--experimental-permission'],
  ['22.13.0', '--permission'],
  ['23.4.0', '--experimental-permission'],
  ['23.5.0', '--permission'],
  ['24.21.0', '--permission'],
  ['26.0.0', '--permission'],
])('knows the flag of the permission model of Node %s', (version, flag) => {
  expect(permissionFlagOf(version)).toBe(flag);
});

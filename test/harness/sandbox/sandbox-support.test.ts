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
  it('uses what the machine offers, or requires all of it, or none', () => {
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

it('marks rows with missing protections', () => {
  expect(sandboxRemarks(WHOLE)).toEqual([]);
  expect(sandboxRemarks({ ...WHOLE, isolation: 'network' })).toEqual(['not isolated: files of the machine in sight']);
  expect(sandboxRemarks({ ...WHOLE, callFilter: false })).toEqual(['not isolated: system calls not filtered']);
  expect(sandboxRemarks(NONE)).toEqual([
    'not isolated: network not cut off, files of the machine in sight, system calls not filtered',
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
])('knows the permission model’s flag in Node %s', (version, flag) => {
  expect(permissionFlagOf(version)).toBe(flag);
});

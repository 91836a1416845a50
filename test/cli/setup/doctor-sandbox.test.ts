import { expect, it } from 'vitest';
import { sandboxFindings } from '../../../cli/setup/doctor-sandbox.ts';
import type { SandboxSupport } from '../../../harness/sandbox/sandbox.ts';

const WHOLE: SandboxSupport = {
  isolation: 'all',
  userNamespace: true,
  deathSignal: true,
  callFilter: true,
  permissionFlag: '--permission',
  reason: null,
};

it('lists the available protections', () => {
  expect(sandboxFindings(WHOLE).map(({ state }) => state)).toEqual(['ok', 'ok', 'ok']);
  expect(sandboxFindings({ ...WHOLE, userNamespace: false })[0]?.text).toContain('as root, methods as nobody');
});

it.runIf(process.platform === 'linux')('lists the missing ones, with the reason and what to do', () => {
  const none: SandboxSupport = {
    ...WHOLE,
    isolation: 'none',
    reason: 'mount: permission denied',
    callFilter: false,
    permissionFlag: null,
  };
  const restricted = (path: string) => (path.includes('apparmor') ? '1' : undefined);
  const [namespaces, calls, permissions] = sandboxFindings(none, restricted);
  expect(namespaces).toMatchObject({ state: 'limited' });
  expect(namespaces?.text).toMatch(/rows say so: mount: permission denied; AppArmor forbids them: sudo sysctl/);
  expect(calls).toMatchObject({ state: 'limited', text: expect.stringContaining('not filtered') as string });
  expect(permissions).toMatchObject({ state: 'limited', text: expect.stringContaining('has none') as string });
  const [networkOnly] = sandboxFindings({ ...none, isolation: 'network' }, () => undefined);
  expect(networkOnly?.text).toMatch(/^no network, but files.*install util-linux$/);
});

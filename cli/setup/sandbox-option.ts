/** The option --sandbox of commands that run methods. */
import { InputError } from '../../contracts/errors.ts';
import { SANDBOX_POLICIES, type SandboxPolicy, sandboxFor } from '../../harness/sandbox/sandbox-support.ts';
import { remark } from './output.ts';

export const sandboxOption = {
  type: 'string',
  description:
    'Sandbox of methods: auto (as far as this machine can; rows say what was not cut off), required (refuse to run without a complete one), off',
  valueHint: SANDBOX_POLICIES.join('|'),
  default: 'auto',
} as const;

/** The policy of that name. Prints a remark where methods are not cut off completely. */
export function policyOf(text: string): SandboxPolicy {
  const policy = SANDBOX_POLICIES.find((name) => name === text);
  if (policy === undefined) {
    throw new InputError(`--sandbox: expected one of ${SANDBOX_POLICIES.join(', ')}, got "${text}"`);
  }
  const { isolation, reason } = sandboxFor(policy);
  if (isolation !== 'all') {
    const open = isolation === 'network' ? 'files of this machine' : 'network and files of this machine';
    remark(`methods are not cut off from ${open} (${reason}); the rows say so; see shrinkrank doctor`);
  }
  return policy;
}

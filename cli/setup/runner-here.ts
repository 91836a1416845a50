/** The option --runner, and the runner of this machine for what it names. */
import { UnsupportedError, unknownId } from '../../contracts/errors.ts';
import { type Machine, PROVIDERS, type Provider, type Runner } from '../../contracts/runner.ts';
import { runnerOf } from '../../harness/measure/machine.ts';
import { probeProvider } from '../../engine/runtime/provider-probe.ts';

export const runnerOption = {
  type: 'string',
  description: `Measure speed on ${PROVIDERS.join(', ')}; shrinkrank doctor says which run here`,
  default: 'cpu',
} as const;

export function providerOf(option: string): Provider {
  const found = PROVIDERS.find((provider) => provider === option);
  if (!found) throw unknownId('runner', option, PROVIDERS);
  return found;
}

export interface RunnerHere {
  readonly runner: Runner;
  /** Variables that lead a process to the device; none on the CPU. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Throws UnsupportedError with the reason where the provider does not run here. */
export async function runnerHere(provider: Provider, machine: Machine): Promise<RunnerHere> {
  if (provider === 'cpu') return { runner: runnerOf(provider, machine), environment: {} };
  const probe = await probeProvider(provider);
  if (!probe.available) throw new UnsupportedError(`runner ${provider}: ${probe.reason}`);
  return { runner: runnerOf(provider, machine, probe.device), environment: probe.environment };
}

/** The option --runner, and the runner of this machine that it names. */
import { UnsupportedError, unknownId } from '../../contracts/errors.ts';
import { type Machine, PROVIDERS, type Provider, type Runner } from '../../contracts/runner.ts';
import { runnerOf } from '../../harness/measure/machine.ts';
import { probeProvider } from '../../engine/runtime/provider-probe.ts';

export const runnerOption = {
  type: 'string',
  description: `Measure speed on ${PROVIDERS.slice(0, -1).join(', ')} or ${PROVIDERS.at(-1)}; shrinkrank doctor says which of them this machine has`,
  default: 'cpu',
} as const;

export function providerOf(option: string): Provider {
  const found = PROVIDERS.find((provider) => provider === option);
  if (!found) throw unknownId('runner', option, PROVIDERS);
  return found;
}

export interface RunnerHere {
  readonly runner: Runner;
  /** Environment variables that a process needs to find the device; none for the CPU. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Throws UnsupportedError with the reason where this machine cannot run the provider. */
export async function runnerHere(provider: Provider, machine: Machine): Promise<RunnerHere> {
  if (provider === 'cpu') return { runner: runnerOf(provider, machine), environment: {} };
  const probe = await probeProvider(provider);
  if (!probe.available) throw new UnsupportedError(`runner ${provider}: ${probe.reason}`);
  return { runner: runnerOf(provider, machine, probe.device), environment: probe.environment };
}

/** The runner of this machine for a provider. */
import { UnsupportedError } from '../contracts/errors.ts';
import type { Machine, Provider, Runner } from '../contracts/runner.ts';
import { runnerOf } from '../measure/machine.ts';
import { probeProvider } from '../runtime/provider-probe.ts';

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

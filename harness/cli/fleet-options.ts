/** What commands of a fleet take: where Redis is, and which kind of runner is meant. */
import { InputError, unknownId } from '../contracts/errors.ts';
import { PROVIDERS, type Provider } from '../contracts/runner.ts';

export const redisOption = {
  type: 'string',
  description: 'Redis that holds the queue, redis://host:port or the path of a socket (default: $SHRINKRANK_REDIS)',
  valueHint: 'url',
} as const;

export const runnerOption = {
  type: 'string',
  description: `Measure speed on ${PROVIDERS.join(', ')}; shrinkrank doctor says which run here`,
  default: 'cpu',
} as const;

/** Throws InputError where neither the option nor the environment names one. */
export function redisUrlOf(option: string | undefined): string {
  const url = option ?? process.env['SHRINKRANK_REDIS'];
  if (!url) throw new InputError('a fleet needs Redis: name it with --redis redis://host:port, or in SHRINKRANK_REDIS');
  return url;
}

export function providerOf(option: string): Provider {
  const found = PROVIDERS.find((provider) => provider === option);
  if (!found) throw unknownId('runner', option, PROVIDERS);
  return found;
}

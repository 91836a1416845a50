/** The option --redis of commands that talk to a fleet. */
import { InputError } from '../../contracts/errors.ts';

export const redisOption = {
  type: 'string',
  description: 'Redis that holds the queue: redis://host:port or the path of a socket (default: $SHRINKRANK_REDIS)',
  valueHint: 'url',
} as const;

/** Throws InputError where neither the option nor the environment names one. */
export function redisUrlOf(option: string | undefined): string {
  const url = option ?? process.env['SHRINKRANK_REDIS'];
  if (!url) throw new InputError('a fleet needs Redis: name it with --redis redis://host:port, or in SHRINKRANK_REDIS');
  return url;
}

import type { Row } from '../../contracts/result.ts';

/**
 * What must not depend on when or how often a run was interrupted: all of a trial but what it cost, the outcomes per
 * item, and of a measurement all but times and memory.
 */
export function deterministicValues(rows: readonly Row[]): Record<string, unknown> {
  const varying = ['run', 'startedAt', 'wallSeconds', 'cost'];
  const timed = ['latency', 'timing', 'residentMemoryBytes', 'denseResidentMemoryBytes', 'placement'];
  const values = rows.flatMap((row): [string, unknown][] => {
    if (row.kind === 'run') return [];
    const left = row.kind === 'measurement' ? [...varying, ...timed] : varying;
    return [[row.key, Object.fromEntries(Object.entries(row).filter(([field]) => !left.includes(field)))]];
  });
  return Object.fromEntries(values);
}

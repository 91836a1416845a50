/** What a fleet is doing, for the terminal. */
import type { FleetStatus } from '../../harness/fleet/fleet-status.ts';
import { renderColumns } from '../setup/columns.ts';
import { formatSeconds } from '../../contracts/words/figures.ts';

export function renderFleet({ workers, queues }: FleetStatus, nowMs: number): string[] {
  const workerRows = workers.map(({ host, processId, runner, doing, since }) => [
    `${host} (${processId})`,
    `${runner.provider} ${runner.fingerprint}`,
    formatSeconds(Math.max(0, nowMs - Date.parse(since)) / 1000),
    doing ?? 'waits for work',
  ]);
  const queueRows = queues.map(({ name, waiting, active, done, failed, coordinator }) => [
    name.replace('-', ' '),
    String(waiting),
    String(active),
    String(done + failed),
    coordinator ?? 'nobody',
  ]);
  return [
    ...(workers.length === 0
      ? ['no worker is there; start one: shrinkrank worker --redis <url>']
      : renderColumns(
          [['worker', 'kind of runner', 'for', 'doing'], ...workerRows],
          ['left', 'left', 'right', 'left'],
        )),
    '',
    ...(queues.length === 0
      ? ['nothing was ever queued here']
      : renderColumns(
          [['queue', 'waiting', 'in work', 'to collect', 'given out by'], ...queueRows],
          ['left', 'right', 'right', 'right', 'left'],
        )),
  ];
}

/** What a fleet is doing: its workers, and per kind of runner what is queued. */
import type { Redis } from 'ioredis';
import { type WorkerState, announcedWorkers, coordinatorOf, openQueue, queueNameOf, queueNames } from './fleet.ts';

export interface QueueStatus {
  /** Provider and fingerprint. */
  readonly name: string;
  /** `host:folder` of the run that gives out the work; null when none does. */
  readonly coordinator: string | null;
  readonly waiting: number;
  readonly active: number;
  /** Done, and not collected by the coordinator yet. */
  readonly done: number;
  /** Without a result, and not seen by the coordinator yet. */
  readonly failed: number;
}

export interface FleetStatus {
  readonly workers: readonly WorkerState[];
  readonly queues: readonly QueueStatus[];
}

export async function fleetStatus(redis: Redis): Promise<FleetStatus> {
  const workers = await announcedWorkers(redis);
  const queues: QueueStatus[] = [];
  const names = new Set([...(await queueNames(redis)), ...workers.map(({ runner }) => queueNameOf(runner))]);
  for (const name of [...names].sort()) {
    const queue = openQueue(redis, name);
    try {
      const counts = await queue.getJobCounts('waiting', 'prioritized', 'delayed', 'active', 'completed', 'failed');
      const count = (state: string) => counts[state] ?? 0;
      queues.push({
        name,
        coordinator: await coordinatorOf(redis, name),
        waiting: count('waiting') + count('prioritized') + count('delayed'),
        active: count('active'),
        done: count('completed'),
        failed: count('failed'),
      });
    } finally {
      await queue.close();
    }
  }
  return { workers, queues };
}

/** State of a fleet: its workers, and the queued jobs per kind of runner. */
import type { Redis } from 'ioredis';
import { type WorkerState, announcedWorkers, coordinatorOf, openQueue, queueNameOf, queueNames } from './fleet.ts';

export interface QueueStatus {
  /** Provider and fingerprint. */
  readonly name: string;
  /** `host:folder` of the run that coordinates the queue; null when none does. */
  readonly coordinator: string | null;
  readonly waiting: number;
  readonly active: number;
  /** Finished, but not yet collected by the coordinator. */
  readonly done: number;
  /** Failed, but not yet seen by the coordinator. */
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

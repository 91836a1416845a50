/** Runs a model under onnxruntime's profiler, in a session that is not timed. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PROTOCOL } from '../../contracts/protocol.ts';
import type { Provider } from '../../contracts/runner.ts';
import { createSession } from '../../engine/runtime/session.ts';
import { probeTokens, tokenFeeds } from '../../engine/runtime/token-feeds.ts';
import type { ModelSource } from './measurement-task.ts';

export interface ProfiledRun {
  readonly model: ModelSource;
  readonly provider: Provider;
  readonly batch: number;
  readonly sequence: number;
  readonly vocabularySize: number;
  readonly runs: number;
}

/** Returns what `read` returns for the path of the profile, which is deleted afterwards. */
export async function profiledRun<T>(run: ProfiledRun, read: (path: string) => Promise<T>): Promise<T> {
  const { model, provider, runs, ...shape } = run;
  const folder = await mkdtemp(join(tmpdir(), 'shrinkrank-profile-'));
  try {
    const session = await createSession(model, {
      provider,
      threads: PROTOCOL.latency.threads,
      profilePrefix: join(folder, 'profile'),
    });
    try {
      const feeds = tokenFeeds(session.inputs, probeTokens(shape));
      for (let i = 0; i < runs; i++) await session.run(feeds);
      return await read(session.endProfiling());
    } finally {
      await session.release();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * What a timing must allow for: times a model against itself in fresh processes, where every ratio should be 1, and prints how
 * far ratios spread within and between processes, and what going first in a round is worth.
 *
 *   node scripts/timing-spread.ts [--model tinyworld-gpt] [--timings 4]
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { markdownTable } from '../cli/render/markdown-table.ts';
import { PROTOCOL } from '../contracts/protocol.ts';
import { present } from '../contracts/present.ts';
import { findModel } from '../cli/setup/registry.ts';
import { createHubClient } from '../engine/hub/hub-client.ts';
import { loadModel } from '../engine/model/load-model.ts';
import { createSession } from '../engine/runtime/session.ts';
import { probeTokens, tokenFeeds } from '../engine/runtime/token-feeds.ts';
import { ratiosOf } from '../harness/measure/summarize-latency.ts';
import { copyingCall } from '../harness/measure/timed-call.ts';
import { awaitQuietMachine } from '../harness/measure/quiet-machine.ts';
import { timeInProcesses } from '../harness/measure/time-in-processes.ts';
import { mean, quantile, variance } from '../numerics/statistics/statistics.ts';
import { writeModel } from '../numerics/onnx/write.ts';
import { percent } from './simulation.ts';

const { values } = parseArgs({
  options: { model: { type: 'string', default: 'tinyworld-gpt' }, timings: { type: 'string', default: '4' } },
});
const folder = mkdtempSync(join(tmpdir(), 'timing-spread-'));
try {
  const model = await loadModel(findModel(values.model), createHubClient());
  const path = join(folder, 'dense.onnx');
  writeFileSync(path, writeModel(model.onnx));
  const embedding = model.onnx.graph.initializers.get(model.roles.embedding.weight);
  const vocabularySize = present(embedding?.dims[0], 'the size of the vocabulary');
  const session = await createSession(path, { provider: 'cpu', threads: 1 });
  const feeds = tokenFeeds(session.inputs, probeTokens({ batch: 1, sequence: 1, vocabularySize }));
  const call = await copyingCall(session, feeds);
  const logRatios = new Map<string, number[][]>();
  const intervalsHold = new Map<string, boolean[]>();
  for (let timing = 0; timing < Number(values.timings); timing++) {
    const task = {
      dense: path,
      candidate: path,
      provider: 'cpu' as const,
      contextLength: model.contextLength,
      vocabularySize,
    };
    const { latency, timing: taken } = await timeInProcesses(task, {
      patienceSeconds: PROTOCOL.quietMachine.waitSeconds,
      lookFirst: true,
      awaitQuiet: async (waitSeconds) => (await awaitQuietMachine({ call, waitSeconds })).quiet,
    });
    if (taken.quiet === false) console.error(`timing ${timing}: the machine is not quiet`);
    for (const { shape, samplesMs, denseSamplesMs, processes = [], speedUp } of latency) {
      const byProcess = Map.groupBy(processes.keys(), (round) => processes[round] ?? 0);
      const ofRounds = ratiosOf({ samplesMs, denseSamplesMs }).map(Math.log);
      const ratios = [...byProcess.values()].map((rounds) =>
        rounds.map((round) => present(ofRounds[round], 'the ratio of a round')),
      );
      logRatios.set(shape, [...(logRatios.get(shape) ?? []), ...ratios]);
      intervalsHold.set(shape, [...(intervalsHold.get(shape) ?? []), speedUp.low <= 1 && 1 <= speedUp.high]);
    }
  }
  await session.release();
  const rows = [...logRatios].map(([shape, processes]) => {
    const medians = processes.map((ratios) => quantile(ratios, 0.5));
    const within = Math.sqrt(mean(processes.map((ratios) => variance(ratios))));
    const holds = intervalsHold.get(shape) ?? [];
    return [
      shape,
      String(processes.length),
      percent(within),
      percent(Math.sqrt(variance(medians))),
      `${holds.filter(Boolean).length} of ${holds.length}`,
    ];
  });
  const head = ['shape', 'processes', 'spread of rounds', 'spread between processes', 'intervals that hold 1'];
  console.log(markdownTable(head, rows, { padded: true }));
} finally {
  rmSync(folder, { recursive: true, force: true });
}

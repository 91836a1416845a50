/**
 * Measures what the sandbox costs a trial: wall seconds of the whole process of a trial of the dense model, with the sandbox
 * this machine gives, with the permission model alone, and with neither, in turn.
 *
 *   node scripts/measure-sandbox.ts [--model tinyworld-gpt-small] [--rounds 15]
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { findModel, findVariants } from '../cli/setup/registry.ts';
import { createHubClient } from '../engine/hub/hub-client.ts';
import { runChild } from '../harness/process/child-process.ts';
import { createPreparer } from '../harness/plan/prepare.ts';
import type { SandboxSupport } from '../harness/sandbox/sandbox.ts';
import { sandboxFor, sandboxSupport } from '../harness/sandbox/sandbox-support.ts';
import type { TrialSpecification } from '../harness/trial/trial-child.ts';
import { trialReadable } from '../harness/trial/trial-readable.ts';
import { warmTrialCache } from '../harness/trial/warm-trial-cache.ts';
import { openWorkspace } from '../harness/plan/workspace.ts';
import { quantile } from '../numerics/statistics/statistics.ts';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'tinyworld-gpt-small' },
    rounds: { type: 'string', default: '15' },
  },
});
const [dense] = findVariants(['dense']);
if (!dense) throw new TypeError('the dense model is not registered');
const { method, file } = dense.registration;
const home = mkdtempSync(join(tmpdir(), 'shrinkrank-measure-sandbox-'));
const workspace = openWorkspace(home);
const model = await createPreparer(workspace, createHubClient()).model(findModel(values.model));
await warmTrialCache(workspace.trialCache, [file]);

const here = sandboxSupport();
const SUPPORTS: Readonly<Record<string, SandboxSupport>> = {
  neither: sandboxFor('off'),
  permissions: { ...here, isolation: 'none' },
  [here.isolation === 'all' ? 'namespaces' : `isolation ${here.isolation}`]: here,
};
const seconds = new Map<string, number[]>(Object.keys(SUPPORTS).map((name) => [name, []]));
for (let round = 0; round <= Number(values.rounds); round++) {
  for (const [name, support] of Object.entries(SUPPORTS)) {
    const cwd = workspace.scratch('trial');
    const specification: TrialSpecification = {
      methodFile: resolve(file),
      params: {},
      randomSeed: 'measure',
      model,
      calibrationPath: null,
      trainingPath: null,
      training: { provider: 'cpu', environment: {} },
      artifactPath: join(cwd, 'artifact.onnx'),
      reportPath: join(cwd, 'report.json'),
    };
    const path = join(cwd, 'specification.json');
    writeFileSync(path, JSON.stringify(specification));
    const outcome = await runChild({
      entry: resolve(import.meta.dirname, '../harness/trial/trial-child.ts'),
      args: [path],
      cwd,
      compileCache: workspace.trialCache,
      timeoutSeconds: 60,
      memoryBytes: 2 ** 31,
      confinement: {
        support,
        readable: trialReadable(specification, method),
        startsProcesses: false,
        most: { scratchBytes: 2 ** 30, files: 1000, processes: 64, outputBytes: 2 ** 20 },
      },
    });
    if (outcome.ending !== 'exited' || outcome.exitCode !== 0) throw new Error(JSON.stringify(outcome));
    // The first round fills caches of the file system.
    if (round > 0) seconds.get(name)?.push(outcome.wallSeconds);
  }
}
workspace.release();
rmSync(home, { recursive: true, force: true });

const base = quantile(seconds.get('neither') ?? [], 0.5);
for (const [name, found] of seconds) {
  const median = quantile(found, 0.5);
  const range = [0.25, 0.75].map((share) => (1000 * quantile(found, share)).toFixed(0)).join(' to ');
  console.log(
    `${name.padEnd(12)} median ${(1000 * median).toFixed(0)} ms (quartiles ${range}), ${(1000 * (median - base)).toFixed(0)} ms more`,
  );
}

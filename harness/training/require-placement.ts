/** Makes sure that a step of training runs where it was told to, by running one and reading where its nodes were executed. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UnsupportedError } from '../contracts/errors.ts';
import { readDevicePlacement } from '../runtime/device-placement.ts';
import { createSession } from '../runtime/session.ts';
import type { NumericTensor } from '../tensor/tensor.ts';
import type { StepPlan } from './step-runner.ts';

/**
 * Runs one step whose result is dropped. Throws UnsupportedError naming the operators that the device left to the CPU; shapes,
 * positions and masks, which onnxruntime keeps there on purpose, and Loops around the device's nodes are none of them.
 */
export async function requirePlacement(
  { graph, provider, threads }: StepPlan,
  feeds: Readonly<Record<string, NumericTensor>>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'step-placement-'));
  try {
    const session = await createSession(graph.model, {
      provider,
      profilePrefix: join(folder, 'profile'),
      ...(threads !== undefined && { threads }),
    });
    let path: string;
    try {
      await session.run(feeds);
    } finally {
      path = session.endProfiling();
      await session.release();
    }
    const { strayed } = await readDevicePlacement(path);
    if (strayed.size === 0) return;
    const listed = [...strayed].map(([operator, nodes]) => `${operator} (${nodes} node${nodes === 1 ? '' : 's'})`);
    throw new UnsupportedError(
      `training: on ${provider} a step would leave to the CPU what ${provider} has no kernel for: ${listed.join(', ')}, with ` +
        `copies both ways on every step; train on the CPU (provider "cpu"), write these operators in others that ${provider} has ` +
        'in the model, or in harness/training/lower-for-device.ts',
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

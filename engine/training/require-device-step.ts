/**
 * Checks, before a training, that a device can run its steps: that its own kernels run all nodes of a step, and that
 * the results equal the CPU's. Some kernels are known to compute wrong numbers silently: in webgpu of onnxruntime 1.30
 * the second output of SimplifiedLayerNormalization (returns the mean), a Slice with steps of -2 that does not start at
 * the end, and ReduceL1, ReduceLogSum and ReduceSumSquare over no axes.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UnsupportedError } from '../../contracts/errors.ts';
import { present } from '../../contracts/present.ts';
import { readDevicePlacement } from '../runtime/device-placement.ts';
import { createSession } from '../runtime/session.ts';
import { elements, type NumericTensor } from '../../numerics/tensor/tensor.ts';
import { nextName, stateName } from './slots.ts';
import { GRADIENT_NORM, LOSS, REPORT } from './step-graph.ts';
import type { StepPlan } from './step-plan.ts';

type Outputs = Readonly<Record<string, NumericTensor>>;

/**
 * Relative tolerance. Another order of summation changes a step by 1e-5; a device whose products round to 10 bits by
 * 1e-3.
 */
const LARGEST_DIFFERENCE = 5e-3;
/**
 * Share of the largest moment, at least of 1, that may be rounding: a student that starts as its teacher has nothing
 * else.
 */
const NOISE = 1e-5;
/** Maximum number of parameters named in a message of those that share a slot. */
const NAMED = 3;

/** Runs one step on the device and one on the CPU and discards the results. Throws UnsupportedError. */
export async function requireDeviceStep(plan: StepPlan, feeds: Outputs): Promise<void> {
  const { graph, provider, threads } = plan;
  const options = threads === undefined ? {} : { threads };
  const folder = await mkdtemp(join(tmpdir(), 'device-step-'));
  try {
    const session = await createSession(graph.model, { ...options, provider, profilePrefix: join(folder, 'profile') });
    let made: Outputs;
    let profile: string;
    try {
      made = await session.run(feeds);
    } finally {
      profile = session.endProfiling();
      await session.release();
    }
    await requirePlacement(plan, profile);
    const reference = await createSession(graph.model, options);
    try {
      requireAgreement(plan, { made, expected: await reference.run(feeds) });
    } finally {
      await reference.release();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Shapes, positions and masks, which onnxruntime keeps on the CPU on purpose, and Loops around the device's nodes are
 * allowed.
 */
async function requirePlacement({ provider }: StepPlan, profile: string): Promise<void> {
  const { strayed } = await readDevicePlacement(profile);
  if (strayed.size === 0) return;
  const listed = [...strayed].map(([operator, nodes]) => `${operator} (${nodes} node${nodes === 1 ? '' : 's'})`);
  throw new UnsupportedError(
    `training: on ${provider} a step would leave to the CPU what ${provider} has no kernel for: ${listed.join(', ')}, with ` +
      `copies both ways on every step; train on the CPU (provider "cpu"), or write these operators in others that ${provider} ` +
      'has, in the model or in engine/training/lower-for-device.ts',
  );
}

function requireAgreement(
  plan: StepPlan,
  { made, expected }: { readonly made: Outputs; readonly expected: Outputs },
): void {
  const { graph, provider, optimizer } = plan;
  const numbers = (outputs: Outputs) =>
    new Map(
      REPORT in outputs
        ? Array.from(
            valuesOf(outputs, REPORT),
            (value, at) => [present(graph.reported[at], 'graph.reported[at]'), value] as const,
          )
        : graph.reported.map(
            (name) => [name, present(valuesOf(outputs, name)[0], 'valuesOf(outputs,name)[0]')] as const,
          ),
    );
  const [own, others] = [numbers(made), numbers(expected)];
  // Values that are not finite on the CPU either are reported by the training, with step and node.
  if (![LOSS, GRADIENT_NORM].every((name) => Number.isFinite(others.get(name)))) return;
  const refuse = (what: string, got: string): never => {
    throw new UnsupportedError(
      `training: on ${provider} ${what} of the first step ${got}: one of its kernels gives wrong numbers; train on the CPU (provider "cpu")`,
    );
  };
  for (const [name, value] of others) {
    const got = present(own.get(name), 'own of name');
    if (Math.abs(got - value) <= LARGEST_DIFFERENCE * Math.max(Math.abs(value), 1e-3)) continue;
    refuse(`the ${name.replaceAll('_', ' ')}`, `is ${got}, on the CPU ${value}`);
  }
  for (const kind of optimizer.moments) {
    const slots = graph.layout.slots.map((slot) => {
      const name = nextName(stateName(slot, kind));
      return { slot, got: valuesOf(made, name), right: valuesOf(expected, name) };
    });
    const noise = NOISE * Math.max(1, ...slots.map(({ right }) => normOf(right)));
    for (const { slot, got, right } of slots) {
      const away = normOf(right.map((value, at) => value - present(got[at], 'got[at]')));
      if (away <= LARGEST_DIFFERENCE * normOf(right) + noise) continue;
      const names = slot.members.map(({ name }) => name);
      const shown = `${names.slice(0, NAMED).join(', ')}${names.length > NAMED ? ', …' : ''}`;
      refuse(
        `the ${kind} of ${shown}`,
        `is ${away.toExponential(1)} away from the CPU’s, whose norm is ${normOf(right).toExponential(1)}`,
      );
    }
  }
}

const valuesOf = (outputs: Outputs, name: string): Float32Array =>
  elements(present(outputs[name], 'outputs[name]'), 'float32');
const normOf = (values: Float32Array): number => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));

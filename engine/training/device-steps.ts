/**
 * Steps whose state stays on the device between calls: a step is one call of onnxruntime without a Loop, and does not
 * wait for the device. The reports of the steps are read once all of them are queued. Memory: the last accepted state,
 * the state of the previous step, and that of the current step.
 */
import { present } from '../../contracts/present.ts';
import { createGraphBuilder } from '../../numerics/onnx/builder.ts';
import type { OnnxModel } from '../../numerics/onnx/graph.ts';
import type { DeviceTensor } from '../runtime/device-tensor.ts';
import { createSession } from '../runtime/session.ts';
import { elements, type NumericTensor, tensorOf } from '../../numerics/tensor/tensor.ts';
import { batchFeedName } from './accumulate-batches.ts';
import { stackFeeds } from './feed-source.ts';
import { requireDeviceStep } from './require-device-step.ts';
import { nextName } from './slots.ts';
import { GRADIENT_NORM, LOSS, REPORT } from './step-graph.ts';
import type { StepPlan } from './step-plan.ts';
import { knownFeeds, scalarsOf, type StepRunner } from './step-runner.ts';

type DeviceState = ReadonlyMap<string, DeviceTensor>;

/** The plan's graph has the form `single`. */
export async function createDeviceSteps(plan: StepPlan): Promise<StepRunner> {
  const { graph, memory, provider, threads, profilePrefix } = plan;
  const { reported } = graph;
  await requireDeviceStep(plan, knownFeeds(graph, { ...feedsAt(plan, 0), ...memory.feeds() }));
  const shared = { provider, ...(threads !== undefined && { threads }) };
  const onDevice = { ...shared, outputLocation: 'device' } as const;
  const copy = copyOf(Object.entries(memory.feeds()).map(([name, { dims }]) => [name, dims]));
  const session = await createSession(graph.model, {
    ...onDevice,
    ...(profilePrefix !== undefined && { profilePrefix }),
  });
  const [toDevice, toHost, toReport] = [
    await createSession(copy, onDevice),
    await createSession(copy, shared),
    await createSession(copyOf([[REPORT, [reported.length]]]), shared),
  ];
  /** The host memory's contents when it last equalled the device's. */
  let known = memory.feeds();
  let accepted = await upload(Object.keys(known), known);
  let pending = accepted;

  async function upload(names: readonly string[], feeds: Readonly<Record<string, NumericTensor | DeviceTensor>>) {
    const made = await toDevice.runOnDevice(feeds, names.map(nextName));
    return new Map(names.map((name) => [name, present(made[nextName(name)], 'made[nextName(name)]')]));
  }
  /** Releases the tensors of one state that are not part of another one, which is kept. */
  function drop(state: DeviceState, stays: DeviceState): void {
    for (const [name, tensor] of state) if (stays.get(name) !== tensor) tensor.release();
  }

  return {
    async run({ step, count }) {
      drop(pending, accepted);
      pending = accepted;
      const reports: DeviceTensor[] = [];
      try {
        for (let at = step; at < step + count; at++) {
          const feeds = knownFeeds(graph, { ...feedsAt(plan, at), ...Object.fromEntries(pending) });
          const made = await session.runOnDevice(feeds);
          reports.push(present(made[REPORT], 'made[REPORT]'));
          const next = new Map([...pending].map(([name, old]) => [name, made[nextName(name)] ?? old]));
          drop(new Map([...pending].filter(([name, tensor]) => accepted.get(name) !== tensor)), next);
          pending = next;
        }
        const rows: Float32Array[] = [];
        for (const report of reports) {
          const { [nextName(REPORT)]: read } = await toReport.run({ [REPORT]: report });
          rows.push(elements(read as NumericTensor, 'float32'));
        }
        const series = (name: string) =>
          Float32Array.from(rows, (row) => present(row[reported.indexOf(name)], 'row[reported.indexOf(name)]'));
        const metrics = Object.fromEntries(graph.metrics.map((name) => [name, series(name)]));
        return { loss: series(LOSS), gradientNorm: series(GRADIENT_NORM), metrics };
      } finally {
        for (const report of reports) report.release();
      }
    },
    accept() {
      drop(accepted, pending);
      accepted = pending;
    },
    async read() {
      memory.advance(await toHost.run(Object.fromEntries(accepted)));
      known = memory.feeds();
    },
    async write() {
      const given = memory.feeds();
      const changed = Object.keys(given).filter((name) => given[name] !== known[name]);
      if (changed.length === 0) return;
      const mixed: Record<string, NumericTensor | DeviceTensor> = Object.fromEntries(accepted);
      for (const name of changed) mixed[name] = present(given[name], 'given[name]');
      const next = new Map([...accepted, ...(await upload(changed, mixed))]);
      drop(pending, accepted);
      drop(accepted, next);
      [accepted, pending, known] = [next, next, given];
    },
    endProfiling: () => void session.endProfiling(),
    async release() {
      drop(pending, accepted);
      drop(accepted, new Map());
      for (const each of [session, toDevice, toHost, toReport]) await each.release();
    },
  };
}

/** All inputs of a step besides the state. */
function feedsAt(plan: StepPlan, step: number): Record<string, NumericTensor> {
  const { graph, feeds, accumulation } = plan;
  const inputs: Record<string, NumericTensor> = {};
  for (const [name, value] of Object.entries(scalarsOf(plan, step)))
    inputs[name] = tensorOf('float32', [], Float32Array.of(value));
  for (let batch = 0; batch < accumulation; batch++) {
    const own = stackFeeds(feeds, { first: step * accumulation + batch, stack: [], wanted: graph.feeds });
    for (const [name, tensor] of Object.entries(own))
      inputs[accumulation === 1 ? name : batchFeedName(batch, name)] = tensor;
  }
  return inputs;
}

/** Copies each input to an output, under its name after a step. */
function copyOf(values: readonly (readonly [name: string, dims: readonly number[]])[]): OnnxModel {
  const b = createGraphBuilder({ name: 'copy', opset: 21 });
  for (const [name, dims] of values) {
    const copied = nextName(name);
    b.node('Identity', [b.input(name, 'float32', dims)], { name: copied, outputs: [copied] });
    b.output(copied, { dtype: 'float32', dims });
  }
  return b.build();
}

import { describe, expect, it } from 'vitest';
import { InputError } from '../../../contracts/errors.ts';
import { devicePlacementOf } from '../../../engine/runtime/device-placement.ts';
import { placementFindings } from '../../../harness/measure/measure-on-device.ts';

const CPU = 'CPUExecutionProvider';
const GPU = 'WebGpuExecutionProvider';

const run = (ts: number, dur: number) => ({ cat: 'Session', name: 'model_run', ts, dur });
const node = (ts: number, dur: number, provider: string, operator: string, types: readonly string[]) => ({
  cat: 'Node',
  name: `${operator}_kernel_time`,
  ts,
  dur,
  args: {
    provider,
    op_name: operator,
    node_index: operator,
    output_type_shape: types.map((type) => ({ [type]: [1, 8] })),
  },
});
const stamp = (ts: number, dur: number) => ({ cat: 'Api', name: 'kernel', ts, dur });

/** Two runs: one that compiles, one to look at. */
const events = [
  node(10, 900_000, GPU, 'MatMul', ['float']),
  run(0, 1_000_000),
  node(2_000_010, 30, CPU, 'Range', ['int64']),
  node(2_000_050, 20, CPU, 'LessOrEqual', ['bool']),
  node(2_000_080, 5, GPU, 'MatMul', ['float']),
  node(2_000_090, 50, CPU, 'MatMulInteger', ['int32']),
  node(2_000_150, 100, CPU, 'DynamicQuantizeLinear', ['uint8', 'float', 'uint8']),
  run(2_000_000, 1000),
];

describe('devicePlacementOf', () => {
  it('uses the device’s own clock for its part, of the last run only', () => {
    const { placement, timeBasis, strayed } = devicePlacementOf(
      JSON.stringify([...events, stamp(500, 800_000), stamp(2_000_100, 500), stamp(2_000_700, 100)]),
    );
    expect(timeBasis).toBe('device-clock');
    expect(placement.nodes).toEqual({ [CPU]: 4, [GPU]: 1 });
    expect(placement.timeShare).toEqual({ [CPU]: 200 / 800, [GPU]: 600 / 800 });
    expect([...strayed]).toEqual([
      ['MatMulInteger', 1],
      ['DynamicQuantizeLinear', 1],
    ]);
  });

  it('counts the nodes in a loop, and not the loop', () => {
    const loop = node(2_000_005, 950, CPU, 'Loop', ['float']);
    const { placement, strayed } = devicePlacementOf(JSON.stringify([...events, loop, stamp(2_000_100, 600)]));
    expect(placement.timeShare).toEqual({ [CPU]: 200 / 800, [GPU]: 600 / 800 });
    expect(strayed.has('Loop')).toBe(false);
  });

  it('attributes the time that the CPU’s kernels leave to a device without a clock', () => {
    const { placement, timeBasis } = devicePlacementOf(JSON.stringify(events));
    expect(timeBasis).toBe('run-time');
    expect(placement.timeShare).toEqual({ [CPU]: 0.2, [GPU]: 0.8 });
  });

  it('attributes everything to the CPU where nothing ran on the device', () => {
    const { placement } = devicePlacementOf(JSON.stringify([node(1, 5, CPU, 'MatMul', ['float']), run(0, 10)]));
    expect(placement.timeShare).toEqual({ [CPU]: 1 });
  });

  it('refuses a profile without a run', () => {
    expect(() => devicePlacementOf('[]', 'x.json')).toThrow(InputError);
  });
});

describe('placementFindings', () => {
  const placed = (cpuShare: number, strayed: readonly (readonly [string, number])[]) => ({
    placement: { nodes: {}, timeShare: { [CPU]: cpuShare, [GPU]: 1 - cpuShare }, operators: {} },
    strayed: new Map(strayed),
  });

  it('finds nothing in a row whose work the device did', () => {
    expect(placementFindings('webgpu', placed(0.5, []))).toEqual([]);
  });

  it('names missing kernels, and says when the CPU did the work', () => {
    const findings = placementFindings('webgpu', placed(0.753, [['TopK', 2]]));
    expect(findings[0]).toContain('TopK (2 nodes)');
    expect(findings[1]).toMatch(/^75 % .* no row of webgpu/);
  });
});

/** Converts rows to columns of their tables and back, without loss. */
import { IntegrityError } from '../contracts/errors.ts';
import type {
  Artifact,
  Cost,
  DeviceFigures,
  Estimate,
  EvaluationRow,
  Items,
  MeasurementRow,
  RowIdentity,
  RunRow,
  ShapeLatency,
  Size,
  SliceQuality,
  Timing,
  TrialRow,
} from '../contracts/result.ts';
import type { Device, Machine, Processor, TrainingDevice } from '../contracts/runner.ts';
import { canonicalJson, digestOf } from '../contracts/canonical-json.ts';
import { type Columns, packColumns, unpackColumns } from './column-blob.ts';
import type { artifacts, evaluations, latencyShapes, machines, measurements, runs, trials } from './schema.ts';

export type ArtifactColumns = typeof artifacts.$inferSelect;
export type EvaluationColumns = typeof evaluations.$inferSelect;
export type LatencyColumns = typeof latencyShapes.$inferSelect;
export type MachineColumns = typeof machines.$inferSelect;
export type MeasurementColumns = typeof measurements.$inferSelect;
export type RunColumns = typeof runs.$inferSelect;
export type TrialColumns = typeof trials.$inferSelect;

export function machineFingerprint(machine: Machine): string {
  return digestOf(machine).slice(0, 16);
}

export function machineColumns(machine: Machine): typeof machines.$inferInsert {
  return {
    ...machine,
    fingerprint: machineFingerprint(machine),
    processor: machine.processor ? canonicalJson(machine.processor) : null,
    instructionSets: canonicalJson(machine.instructionSets),
  };
}

export function machineOf(machine: MachineColumns): Machine {
  const { fingerprint: _, processor, ...columns } = machine;
  return {
    ...columns,
    ...(processor !== null && { processor: JSON.parse(processor) as Processor }),
    instructionSets: JSON.parse(columns.instructionSets) as string[],
  };
}

export function runColumns(row: RunRow): typeof runs.$inferInsert {
  const { kind: _, machine, ...columns } = row;
  return { ...columns, machine: machineFingerprint(machine) };
}

export function runRow(columns: RunColumns, machine: Machine): RunRow {
  return { kind: 'run', ...columns, machine };
}

export function artifactColumns(artifact: Artifact): typeof artifacts.$inferInsert {
  return {
    sha256: artifact.sha256,
    digest: digestOf(artifact),
    ...artifact.size,
    operators: canonicalJson(artifact.operators),
  };
}

export function artifactOf(columns: ArtifactColumns): Artifact {
  const { id: _, digest: __, sha256, operators, ...size } = columns;
  return { sha256, size: size satisfies Size, operators: JSON.parse(operators) as Record<string, number> };
}

export function trialColumns(row: TrialRow, artifact: number | null): typeof trials.$inferInsert {
  const { identity } = row;
  return {
    key: row.key,
    digest: digestOf(row),
    run: row.run,
    method: identity.method,
    revision: 'revision' in identity ? identity.revision : null,
    methodSource: 'methodSource' in identity ? identity.methodSource : null,
    variant: identity.variant,
    params: canonicalJson(identity.params),
    model: identity.model,
    modelRevision: identity.modelRevision,
    dataset: identity.data?.dataset ?? null,
    datasetContentHash: identity.data?.contentHash ?? null,
    seed: identity.seed,
    protocol: identity.protocol,
    trainedOn: identity.trainedOn ? canonicalJson(identity.trainedOn) : null,
    family: row.family,
    access: row.access,
    control: row.control,
    notes: canonicalJson(row.notes),
    simulated: row.simulated,
    machine: machineFingerprint(row.machine),
    startedAt: row.startedAt,
    status: row.status,
    artifact,
    reason: row.status === 'completed' ? null : row.reason,
    ...row.cost,
  };
}

export function trialRow(columns: TrialColumns, machine: Machine, artifact: Artifact | null): TrialRow {
  const cost = costOf(columns);
  const fields = {
    kind: 'trial' as const,
    key: columns.key,
    run: columns.run,
    identity: identityOf(columns),
    family: columns.family,
    access: columns.access,
    control: columns.control,
    notes: JSON.parse(columns.notes) as string[],
    simulated: columns.simulated,
    machine,
    startedAt: columns.startedAt,
  };
  if (columns.status !== 'completed') {
    return { ...fields, status: columns.status, reason: present(columns.reason, 'trial', columns.key), cost };
  }
  return {
    ...fields,
    status: columns.status,
    artifact: present(artifact, 'trial', columns.key),
    cost: present(cost, 'trial', columns.key),
  };
}

function identityOf(columns: TrialColumns): RowIdentity {
  const fields = {
    method: columns.method,
    variant: columns.variant,
    params: JSON.parse(columns.params) as Record<string, unknown>,
    model: columns.model,
    modelRevision: columns.modelRevision,
    data:
      columns.dataset === null
        ? null
        : { dataset: columns.dataset, contentHash: present(columns.datasetContentHash, 'trial', columns.key) },
    seed: columns.seed,
    ...(columns.trainedOn !== null && { trainedOn: JSON.parse(columns.trainedOn) as TrainingDevice }),
  };
  if (columns.revision !== null) return { ...fields, revision: columns.revision, protocol: columns.protocol };
  return { ...fields, methodSource: present(columns.methodSource, 'trial', columns.key), protocol: 1 };
}

/** Names the state of the method's code that made a trial: its revision or, for rows without revisions, a hash. */
export function codeOf({ revision, methodSource, key }: CodeColumns): string {
  if (revision !== null) return `revision ${revision}`;
  return `source ${present(methodSource, 'trial', key).slice(0, 12)}`;
}
type CodeColumns = Pick<TrialColumns, 'key' | 'revision' | 'methodSource'>;

type CostColumns = { readonly [K in keyof Cost]: Cost[K] | null };

/** Null where no cost could be measured. */
export function costOf(columns: CostColumns): Cost | null {
  if (columns.wallSeconds === null) return null;
  const read = (value: number | null): number => present(value, 'cost', 'of a trial');
  return {
    wallSeconds: columns.wallSeconds,
    cpuSeconds: read(columns.cpuSeconds),
    deviceSeconds: columns.deviceSeconds,
    peakMemoryBytes: read(columns.peakMemoryBytes),
    tokensSeen: read(columns.tokensSeen),
    gradientSteps: read(columns.gradientSteps),
    energyJoules: columns.energyJoules,
  };
}

const DISTANCES = [
  'deltaLogPerplexity',
  'klDivergence',
  'sameTop',
  'correctToIncorrect',
  'incorrectToCorrect',
] as const;
type Distances = (typeof DISTANCES)[number];
type EstimateColumns<N extends string, T> = { [K in `${N}${'Value' | 'Low' | 'High'}`]: T };

export function evaluationColumns(row: EvaluationRow): typeof evaluations.$inferInsert {
  const columns = {
    key: row.key,
    digest: digestOf(row),
    run: row.run,
    trial: row.trial,
    artifact: row.artifact,
    task: row.task,
    dataset: row.dataset.dataset,
    datasetContentHash: row.dataset.contentHash,
    protocol: row.protocol,
    inSample: row.inSample,
    sessionOptions: canonicalJson(row.sessionOptions),
    machine: machineFingerprint(row.machine),
    startedAt: row.startedAt,
    wallSeconds: row.wallSeconds,
    status: row.status,
  };
  if (row.status !== 'completed') return { ...columns, reason: row.reason };
  const { estimate, metric, higherIsBetter, dense, items, tokens, slices } = row.quality;
  const distances: Partial<EstimateColumns<Distances, number>> = {};
  for (const name of DISTANCES) Object.assign(distances, estimateColumns(name, row.distance[name]));
  return {
    ...columns,
    metric,
    higherIsBetter,
    ...estimate,
    dense,
    itemCount: items,
    tokenCount: tokens,
    slices: slices ? canonicalJson(slices) : null,
    ...distances,
  };
}

export type EvaluationFigures = Pick<
  EvaluationColumns,
  'key' | 'metric' | 'higherIsBetter' | 'value' | 'low' | 'high' | 'dense' | 'itemCount' | 'tokenCount' | 'slices'
> &
  EstimateColumns<Distances, number | null>;

export type CompletedEvaluation = Extract<EvaluationRow, { status: 'completed' }>;
export type CompletedMeasurement = Extract<MeasurementRow, { status: 'completed' }>;

export function qualityOf(columns: EvaluationFigures): CompletedEvaluation['quality'] {
  const read = <T>(value: T | null): T => present(value, 'evaluation', columns.key);
  return {
    metric: read(columns.metric),
    higherIsBetter: read(columns.higherIsBetter),
    estimate: { value: read(columns.value), low: read(columns.low), high: read(columns.high) },
    dense: read(columns.dense),
    items: read(columns.itemCount),
    tokens: read(columns.tokenCount),
    ...(columns.slices !== null && { slices: JSON.parse(columns.slices) as SliceQuality[] }),
  };
}

export function distanceOf(columns: EvaluationFigures): CompletedEvaluation['distance'] {
  const estimates = DISTANCES.map((name): [Distances, Estimate] => [
    name,
    {
      value: present(columns[`${name}Value`], 'evaluation', columns.key),
      low: present(columns[`${name}Low`], 'evaluation', columns.key),
      high: present(columns[`${name}High`], 'evaluation', columns.key),
    },
  ]);
  return Object.fromEntries(estimates) as CompletedEvaluation['distance'];
}

function estimateColumns(name: Distances, { value, low, high }: Estimate): Record<string, number> {
  return { [`${name}Value`]: value, [`${name}Low`]: low, [`${name}High`]: high };
}

export function packItems(items: Items): Buffer {
  const present = Object.entries(items).flatMap(([name, column]) => (column === undefined ? [] : [[name, column]]));
  return packColumns(Object.fromEntries(present) as Columns);
}

/** An empty column has no type, so the contract's names determine it, not the blob. */
export function unpackItems(blob: Buffer): Items {
  return unpackColumns(blob) as unknown as Items;
}

export function evaluationRow(columns: EvaluationColumns, machine: Machine, items: Buffer | null): EvaluationRow {
  const fields = {
    kind: 'evaluation' as const,
    key: columns.key,
    run: columns.run,
    trial: columns.trial,
    artifact: columns.artifact,
    task: columns.task,
    dataset: { dataset: columns.dataset, contentHash: columns.datasetContentHash },
    protocol: columns.protocol,
    inSample: columns.inSample,
    sessionOptions: JSON.parse(columns.sessionOptions) as EvaluationRow['sessionOptions'],
    machine,
    startedAt: columns.startedAt,
    wallSeconds: columns.wallSeconds,
  };
  if (columns.status !== 'completed') {
    return { ...fields, status: columns.status, reason: present(columns.reason, 'evaluation', columns.key) };
  }
  return {
    ...fields,
    status: columns.status,
    quality: qualityOf(columns),
    distance: distanceOf(columns),
    outcomes: unpackItems(present(items, 'evaluation', columns.key)),
  };
}

export function measurementColumns(row: MeasurementRow): typeof measurements.$inferInsert {
  const columns = {
    key: row.key,
    digest: digestOf(row),
    run: row.run,
    trial: row.trial,
    artifact: row.artifact,
    provider: row.runner.provider,
    machine: machineFingerprint(row.runner.machine),
    runnerFingerprint: row.runner.fingerprint,
    device: row.runner.device ? canonicalJson(row.runner.device) : null,
    protocol: row.protocol,
    threads: row.threads,
    sessionOptions: canonicalJson(row.sessionOptions),
    startedAt: row.startedAt,
    wallSeconds: row.wallSeconds,
    status: row.status,
  };
  if (row.status !== 'completed') return { ...columns, reason: row.reason };
  const { residentMemoryBytes, denseResidentMemoryBytes, placement, timing, onDevice } = row;
  return {
    ...columns,
    residentMemoryBytes,
    denseResidentMemoryBytes,
    placement: canonicalJson(placement),
    timing: timing ? canonicalJson(timing) : null,
    onDevice: onDevice ? canonicalJson(onDevice) : null,
  };
}

export function latencyColumns(
  latency: ShapeLatency,
  place: { readonly measurement: number; readonly ordinal: number },
): typeof latencyShapes.$inferInsert {
  const { samplesMs, denseSamplesMs, processes, speedUp, threads, ...columns } = latency;
  return {
    ...place,
    ...columns,
    threads: threads ?? null,
    speedUpValue: speedUp.value,
    speedUpLow: speedUp.low,
    speedUpHigh: speedUp.high,
    samples: packColumns({ samplesMs, denseSamplesMs, ...(processes && { processes }) }),
  };
}

export function latencyOf(columns: LatencyColumns): ShapeLatency {
  const { samplesMs, denseSamplesMs, processes } = unpackColumns(columns.samples) as Record<string, number[]>;
  return {
    ...latencySummaryOf(columns),
    ...(processes && { processes }),
    samplesMs: present(samplesMs, 'latency', columns.shape),
    denseSamplesMs: present(denseSamplesMs, 'latency', columns.shape),
  };
}

export type LatencySummary = Omit<ShapeLatency, 'samplesMs' | 'denseSamplesMs' | 'processes'>;

export function latencySummaryOf(columns: Omit<LatencyColumns, 'samples'>): LatencySummary {
  return {
    shape: columns.shape,
    batch: columns.batch,
    sequence: columns.sequence,
    ...(columns.threads !== null && { threads: columns.threads }),
    p50Ms: columns.p50Ms,
    p95Ms: columns.p95Ms,
    denseP50Ms: columns.denseP50Ms,
    speedUp: { value: columns.speedUpValue, low: columns.speedUpLow, high: columns.speedUpHigh },
    coefficientOfVariation: columns.coefficientOfVariation,
    noisy: columns.noisy,
  };
}

export function measurementRow(
  columns: MeasurementColumns,
  machine: Machine,
  latency: readonly LatencyColumns[],
): MeasurementRow {
  const device = deviceOf(columns);
  const onDevice = deviceFiguresOf(columns);
  const timing = timingOf(columns);
  const fields = {
    kind: 'measurement' as const,
    key: columns.key,
    run: columns.run,
    trial: columns.trial,
    artifact: columns.artifact,
    runner: {
      provider: columns.provider,
      machine,
      ...(device && { device }),
      fingerprint: columns.runnerFingerprint,
    },
    protocol: columns.protocol,
    threads: columns.threads,
    sessionOptions: JSON.parse(columns.sessionOptions) as MeasurementRow['sessionOptions'],
    startedAt: columns.startedAt,
    wallSeconds: columns.wallSeconds,
  };
  if (columns.status !== 'completed') {
    return { ...fields, status: columns.status, reason: present(columns.reason, 'measurement', columns.key) };
  }
  const placement = present(columns.placement, 'measurement', columns.key);
  return {
    ...fields,
    status: columns.status,
    latency: latency.map(latencyOf),
    ...(timing && { timing }),
    residentMemoryBytes: present(columns.residentMemoryBytes, 'measurement', columns.key),
    denseResidentMemoryBytes: present(columns.denseResidentMemoryBytes, 'measurement', columns.key),
    placement: JSON.parse(placement) as CompletedMeasurement['placement'],
    ...(onDevice && { onDevice }),
  };
}

/** Null on the CPU. */
export function deviceOf({ device }: Pick<MeasurementColumns, 'device'>): Device | null {
  return device === null ? null : (JSON.parse(device) as Device);
}

/** Null in protocol 1, and for failures. */
export function timingOf({ timing }: Pick<MeasurementColumns, 'timing'>): Timing | null {
  return timing === null ? null : (JSON.parse(timing) as Timing);
}

export function deviceFiguresOf({ onDevice }: Pick<MeasurementColumns, 'onDevice'>): DeviceFigures | null {
  return onDevice === null ? null : (JSON.parse(onDevice) as DeviceFigures);
}

function present<T>(value: T | null | undefined, kind: string, key: string): T {
  if (value === null || value === undefined) {
    throw new IntegrityError(`${kind} ${key}: a column that its status asks for is empty; the store is damaged`);
  }
  return value;
}

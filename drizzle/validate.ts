/** Validates rows before they are written. Messages name kind, key and the path of the field. */
import * as v from 'valibot';
import { InputError } from '../contracts/errors.ts';
import {
  evaluationSchema,
  measurementSchema,
  runSchema,
  trialSchema,
  type EvaluationRow,
  type Items,
  type MeasurementRow,
  type Row,
  type RunRow,
  type TrialRow,
} from '../contracts/result.ts';
import { requireJson } from '../contracts/canonical-json.ts';
import type { CompletedMeasurement } from './row-columns.ts';

export function validateRun(row: RunRow): RunRow {
  return validate(runSchema, row, 'run');
}

export function validateTrial(row: TrialRow): TrialRow {
  return validate(trialSchema, row, 'trial');
}

export function validateEvaluation(row: EvaluationRow): EvaluationRow {
  const valid = validate(evaluationSchema, row, 'evaluation');
  if (valid.status === 'completed') checkItemColumns(valid.key, valid.outcomes, valid.quality.items);
  return valid;
}

export function validateMeasurement(row: MeasurementRow): MeasurementRow {
  const valid = validate(measurementSchema, row, 'measurement');
  if (valid.status === 'completed') checkTiming(valid);
  return valid;
}

/** Since protocol 2 a timing has processes and threads; protocol 1 did not record them. */
function checkTiming({ key, protocol, timing, latency }: CompletedMeasurement): void {
  const refuse = (what: string): never => {
    throw new InputError(`measurement "${key}" cannot be stored: ${what}`);
  };
  if (protocol === 1) {
    if (timing || latency.some(({ threads, processes }) => threads !== undefined || processes !== undefined)) {
      refuse('expected no timing, latency.threads or latency.processes in a row of protocol 1');
    }
    return;
  }
  if (!timing) return refuse(`timing: missing in a row of protocol ${protocol}`);
  for (const { shape, threads, processes, samplesMs, denseSamplesMs } of latency) {
    if (threads === undefined || processes === undefined) refuse(`latency ${shape}: threads or processes are missing`);
    const counts = [samplesMs.length, denseSamplesMs.length, processes?.length];
    if (new Set(counts).size > 1) {
      refuse(`latency ${shape}: samplesMs, denseSamplesMs and processes have ${counts.join(', ')} entries`);
    }
    const timed = new Set(processes).size;
    if (timed !== timing.processes)
      refuse(`latency ${shape}: ${timed} processes, timing.processes says ${timing.processes}`);
  }
}

/** A row of any kind, as in a line of an exported file. */
export function validateRow(row: unknown): Row {
  const kind: unknown = (row as { readonly kind?: unknown } | null)?.kind;
  switch (kind) {
    case 'run':
      return validateRun(row as RunRow);
    case 'trial':
      return validateTrial(row as TrialRow);
    case 'evaluation':
      return validateEvaluation(row as EvaluationRow);
    case 'measurement':
      return validateMeasurement(row as MeasurementRow);
    default:
      throw new InputError(`kind: expected run, trial, evaluation or measurement, got ${JSON.stringify(kind)}`);
  }
}

/** Parses `value` strictly; also refuses numbers that JSON cannot represent, which v.number() accepts. */
export function validate<S extends v.GenericSchema>(schema: S, value: unknown, what: string): v.InferOutput<S> {
  const name = `${what} ${keyOf(value)}`;
  const result = v.safeParse(schema, value, { abortPipeEarly: true });
  if (!result.success) {
    const problems = result.issues.map((issue) => `${v.getDotPath(issue) ?? '(row)'}: ${issue.message}`);
    throw new InputError(`${name} cannot be stored: ${problems.join('; ')}`);
  }
  try {
    requireJson(result.output);
  } catch (error) {
    throw new InputError(`${name} cannot be stored: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
  return result.output;
}

function keyOf(value: unknown): string {
  const { key, id } = (value ?? {}) as { readonly key?: unknown; readonly id?: unknown };
  return JSON.stringify(key ?? id ?? null);
}

function checkItemColumns(key: string, items: Items, count: number): void {
  for (const [column, values] of Object.entries(items)) {
    if (values === undefined || values.length === count) continue;
    throw new InputError(
      `evaluation "${key}" cannot be stored: outcomes.${column} has ${values.length} entries, quality.items says ${count}`,
    );
  }
}

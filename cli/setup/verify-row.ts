/**
 * Whether a row from outside says the same everywhere: key, fingerprint and figures are computed again from what the row
 * holds. It cannot tell whether the outcomes and samples themselves are true.
 */
import { createHash } from 'node:crypto';
import { canonicalJson, digestOf } from '../../contracts/canonical-json.ts';
import { InputError } from '../../contracts/errors.ts';
import { PROTOCOL } from '../../contracts/protocol.ts';
import type { Cost, EvaluationRow, MeasurementRow, Row, Size, TrialRow } from '../../contracts/result.ts';
import type { Runner } from '../../contracts/runner.ts';
import { runnerOf } from '../../harness/measure/machine.ts';
import { evaluationKey, measurementKey } from '../../harness/plan/keys.ts';
import { verifyLatency } from './verify-latency.ts';
import { type CheckField, requireEqual } from './verify-field.ts';
import { verifyQuality } from './verify-quality.ts';

/** A clock may be ahead by this much: a row from the future would stand against all that come after it. */
const MOST_AHEAD_MS = 24 * 3600 * 1000;
/** Bytes of the shortest node of an ONNX file: its operator, an input and an output with their headers. */
const LEAST_NODE_BYTES = 8;
/** Bits per parameter below which no packed format of weights goes. */
const LEAST_PARAMETER_BITS = 0.5;
/** Bytes by which zstd may exceed what it compresses, as a share and at least. */
const ZSTD_OVERHEAD = 1 / 128;
const ZSTD_OVERHEAD_BYTES = 512;

/** Of the names that any graph has; and of zeros, which zstd makes shortest. */
const LEAST_ZSTD_BYTES = 100;
const LARGEST_ZSTD_RATIO = 32_768;

/** Throws InputError naming the field, what the row itself leads to, and what it says. */
export function verifyRow(row: Row, now = Date.now()): void {
  const refuse: CheckField = (field, expected, got) => {
    const name = row.kind === 'run' ? row.id : row.key;
    throw new InputError(`${row.kind} "${name}": ${field}: expected ${expected}, got ${got}`);
  };
  const protocol = row.kind === 'trial' ? row.identity.protocol : row.protocol;
  if (protocol < 1 || protocol > PROTOCOL.version) {
    refuse('protocol', `1 to ${PROTOCOL.version}, which this version knows`, protocol);
  }
  if (Date.parse(row.startedAt) > now + MOST_AHEAD_MS) refuse('startedAt', 'a time that has come', row.startedAt);
  switch (row.kind) {
    case 'run':
      if (row.finishedAt !== null && row.finishedAt < row.startedAt) {
        refuse('finishedAt', `no time before ${row.startedAt}`, row.finishedAt);
      }
      break;
    case 'trial':
      verifyTrial(row, refuse);
      break;
    case 'evaluation':
      verifyEvaluation(row, refuse);
      break;
    case 'measurement':
      verifyMeasurement(row, refuse);
      break;
  }
}

function verifyTrial(row: TrialRow, refuse: CheckField): void {
  requireEqual(refuse, 'key', digestOf({ kind: 'trial', ...row.identity }), row.key);
  if (row.cost !== null) verifyCost(row.cost, refuse);
  if (row.status !== 'completed') return;
  const { size, operators } = row.artifact;
  const nodes = Object.values(operators).reduce((sum, count) => sum + count, 0);
  const least = Math.max(LEAST_NODE_BYTES * nodes, (LEAST_PARAMETER_BITS / 8) * size.parameters);
  if (size.fileBytes < least) {
    refuse('artifact.size.fileBytes', `at least ${Math.ceil(least)} for its nodes and parameters`, size.fileBytes);
  }
  verifySize(size, refuse);
}

function verifySize(size: Size, refuse: CheckField): void {
  for (const measure of ['fileBytes', 'zstdBytes', 'parameters', 'nonZeroParameters'] as const) {
    const without = size[`${measure}WithoutEmbedding`];
    if (without > size[measure]) {
      refuse(`artifact.size.${measure}WithoutEmbedding`, `at most ${measure} (${size[measure]})`, without);
    }
  }
  if (size.nonZeroParameters > size.parameters) {
    refuse('artifact.size.nonZeroParameters', `at most parameters (${size.parameters})`, size.nonZeroParameters);
  }
  const most = size.fileBytes * (1 + ZSTD_OVERHEAD) + ZSTD_OVERHEAD_BYTES;
  if (size.zstdBytes > most) refuse('artifact.size.zstdBytes', `at most ${Math.floor(most)}`, size.zstdBytes);
  const least = Math.max(LEAST_ZSTD_BYTES, size.fileBytes / LARGEST_ZSTD_RATIO);
  if (size.zstdBytes < least) refuse('artifact.size.zstdBytes', `at least ${Math.ceil(least)}`, size.zstdBytes);
}

function verifyCost(cost: Cost, refuse: CheckField): void {
  for (const field of ['wallSeconds', 'cpuSeconds', 'deviceSeconds', 'energyJoules'] as const) {
    const value = cost[field];
    if (value !== null && value < 0) refuse(`cost.${field}`, 'at least 0', value);
  }
}

function verifyEvaluation(row: EvaluationRow, refuse: CheckField): void {
  const { trial, task, dataset, protocol } = row;
  const key = evaluationKey({ trial, task, datasetContent: dataset.contentHash, protocol });
  requireEqual(refuse, 'key', key, row.key);
  if (row.status === 'completed') verifyQuality(row, refuse);
}

function verifyMeasurement(row: MeasurementRow, refuse: CheckField): void {
  const { trial, runner, protocol } = row;
  const fingerprint = protocol === 1 ? wholeFingerprint(runner) : fingerprintOf(runner);
  requireEqual(refuse, 'runner.fingerprint', fingerprint, runner.fingerprint);
  requireEqual(refuse, 'key', measurementKey({ trial, runnerFingerprint: fingerprint, protocol }), row.key);
  if (row.status === 'completed') verifyLatency(row, refuse);
}

const fingerprintOf = ({ provider, machine, device }: Runner) => runnerOf(provider, machine, device).fingerprint;

/** Of protocol 1: over all that is known of the machine. */
function wholeFingerprint({ provider, machine, device }: Runner): string {
  const fields = Object.entries(machine).sort(([a], [b]) => (a < b ? -1 : 1));
  const identity = JSON.stringify([provider, fields, ...(device ? [canonicalJson(device)] : [])]);
  return createHash('sha256').update(identity).digest('hex').slice(0, 16);
}

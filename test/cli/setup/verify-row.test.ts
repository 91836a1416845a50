import { readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../../contracts/canonical-json.ts';
import { InputError } from '../../../contracts/errors.ts';
import { PROTOCOL } from '../../../contracts/protocol.ts';
import type { Row } from '../../../contracts/result.ts';
import { verifyRow } from '../../../cli/setup/verify-row.ts';
import { importRows } from '../../../drizzle/import.ts';
import { temporaryStore } from '../../support/store.ts';

const RESULTS = resolve(import.meta.dirname, '../../../results');
const file = readdirSync(RESULTS).find((name) => name.includes('adapters')) ?? '';
const rows = readFileSync(join(RESULTS, file), 'utf8')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => JSON.parse(line) as Row);

type Completed<K extends Row['kind']> = Extract<Row, { kind: K; status: 'completed' }>;

/** A published row of that kind, changed. */
function changed<K extends 'trial' | 'evaluation' | 'measurement'>(
  kind: K,
  change: (row: Completed<K>) => void,
): Completed<K> {
  const found = rows.find((row) => row.kind === kind && row.status === 'completed');
  const row = structuredClone(found) as Completed<K>;
  change(row);
  return row;
}

describe('verifyRow', () => {
  it('accepts published rows', () => {
    for (const row of rows) verifyRow(row);
  });

  it.each<[string, RegExp, () => Row]>([
    [
      'a perplexity of 0.2 over unchanged losses',
      /quality\.estimate\.value: expected \d.*got 0\.2$/,
      () => changed('evaluation', ({ quality }) => (quality.estimate = { value: 0.2, low: 0.1, high: 0.3 })),
    ],
    ['a better dense', /quality\.dense/, () => changed('evaluation', ({ quality }) => (quality.dense *= 2))],
    [
      'a wider interval',
      /quality\.estimate: expected an interval about/,
      () =>
        changed('evaluation', ({ quality: { estimate } }) => {
          estimate.low = estimate.value / 2;
          estimate.high = estimate.value * 2;
        }),
    ],
    [
      'an interval beside the value',
      /quality\.estimate: expected an interval that contains/,
      () => changed('evaluation', ({ quality: { estimate } }) => (estimate.low = estimate.high)),
    ],
    [
      'another distance',
      /distance\.klDivergence\.value/,
      () => changed('evaluation', ({ distance }) => (distance.klDivergence.value = 0)),
    ],
    ['fewer items', /quality\.items/, () => changed('evaluation', ({ quality }) => quality.items--)],
    [
      'a lost item of which nobody knows',
      /outcomes\.correct\.0/,
      () => changed('evaluation', ({ outcomes }) => outcomes.correct.splice(0, 1, (outcomes.correct[0] ?? 0) - 1)),
    ],
    [
      'a negative loss',
      /outcomes\.negativeLogLikelihood\.0: expected at least 0/,
      () => changed('evaluation', ({ outcomes }) => outcomes.negativeLogLikelihood.splice(0, 1, -1)),
    ],
    ['a key that is not of its task', /key: expected/, () => changed('evaluation', (row) => (row.task = 'other'))],
    [
      'a speed-up of 50 over unchanged samples',
      /latency\.0\.speedUp\.value: expected \d.*got 50$/,
      () =>
        changed('measurement', ({ latency: [first] }) => {
          if (first) first.speedUp = { value: 50, low: 49, high: 51 };
        }),
    ],
    [
      'another median',
      /latency\.0\.p50Ms/,
      () =>
        changed('measurement', ({ latency: [first] }) => {
          if (first) first.p50Ms /= 2;
        }),
    ],
    [
      'another machine',
      /runner\.fingerprint: expected [0-9a-f]{16}, got/,
      () => changed('measurement', ({ runner }) => (runner.machine.cpuModel = 'Another CPU')),
    ],
    [
      'a file of one byte',
      /artifact\.size\.fileBytes: expected at least \d+/,
      () =>
        changed('trial', ({ artifact: { size } }) => {
          size.fileBytes = 1;
          size.fileBytesWithoutEmbedding = 1;
        }),
    ],
    [
      'what is shipped in one byte',
      /artifact\.size\.zstdBytes: expected at least \d+/,
      () => changed('trial', ({ artifact: { size } }) => (size.zstdBytes = size.zstdBytesWithoutEmbedding = 1)),
    ],
    [
      'more without the embedding than with it',
      /artifact\.size\.parametersWithoutEmbedding: expected at most/,
      () => changed('trial', ({ artifact: { size } }) => (size.parametersWithoutEmbedding = size.parameters + 1)),
    ],
    [
      'a key that is not the hash of its identity',
      /key: expected [0-9a-f]{64}, got/,
      () => changed('trial', ({ identity }) => (identity.seed += 1)),
    ],
    [
      'a cost below nothing',
      /cost\.cpuSeconds: expected at least 0/,
      () => changed('trial', ({ cost }) => (cost.cpuSeconds = -1)),
    ],
    [
      'a clock that is ahead',
      /startedAt: expected a time that has come/,
      () => changed('trial', (row) => (row.startedAt = '2999-01-01T00:00:00.000Z')),
    ],
    [
      'a protocol that nobody knows',
      new RegExp(`protocol: expected 1 to ${PROTOCOL.version}.*got 99$`),
      () =>
        changed('evaluation', (row) => {
          row.protocol = 99;
          const { trial, task, dataset } = row;
          row.key = digestOf({ kind: 'evaluation', trial, task, datasetContent: dataset.contentHash, protocol: 99 });
        }),
    ],
  ])('refuses %s', (_, message, make) => {
    const row = make();
    expect(() => verifyRow(row)).toThrow(InputError);
    expect(() => verifyRow(row)).toThrow(message);
  });

  it('names file, line and field when such a row is imported, and imports nothing', () => {
    const forged = changed('trial', ({ artifact: { size } }) => (size.fileBytes = 1));
    const lines = [...rows.filter(({ kind }) => kind === 'run'), forged].map((row) => JSON.stringify(row));
    const store = temporaryStore();
    expect(() => importRows(store, lines, { where: 'f.jsonl', check: verifyRow })).toThrow(
      /^f\.jsonl:2: trial "[0-9a-f]{64}": artifact\.size\.fileBytes: expected .*; nothing of this file was imported/,
    );
  });
});

import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FAILURES, type Row } from '../../contracts/result.ts';
import type { Store } from '../../drizzle/client.ts';
import { exportRows, exportRun, lineOf } from '../../drizzle/export.ts';
import { importCorrections, importResults, importRows, linesOf } from '../../drizzle/import.ts';
import { doneKeys, trialDetail, trialKeys } from '../../drizzle/queries.ts';
import { leaderboard } from '../../board/derive/leaderboard.ts';
import { recordEvaluation, recordMeasurement, recordRun, recordTrial } from '../../drizzle/record.ts';
import {
  deviceFiguresOf,
  deviceOf,
  evaluationOf,
  failedEvaluationOf,
  failedMeasurementOf,
  failedTrialOf,
  machineOf,
  measurementOf,
  runOf,
  runnerOf,
  slicedEvaluationOf,
  timeAt,
  trialOf,
} from '../support/rows.ts';
import { temporaryFolder, temporaryStore } from '../support/store.ts';
import { PROTOCOL } from '../../contracts/protocol.ts';

/** Every kind in every status, two runs, two machines, a retried failure, values at the edge of what is allowed. */
function everyRow(): readonly Row[] {
  const other = machineOf({ cpuModel: 'Another "CPU"\n\u2028', cores: 64, instructionSets: [] });
  const trial = trialOf();
  const odd = trialOf({
    run: 'run-2',
    identity: { variant: 'odd', params: { a: null, 10: [1.5, 'x'], 9: {}, z: false }, data: null, seed: 2 ** 40 },
    notes: [],
    simulated: 'stored as float32',
    machine: other,
    startedAt: timeAt(70),
  });
  const failures = FAILURES.map((status, i) =>
    failedTrialOf(status, { identity: { seed: i + 10 }, cost: i % 2 ? null : trial.cost, startedAt: timeAt(10 + i) }),
  );
  const empty = evaluationOf(odd, { itemCount: 0, task: 'empty-perplexity' });
  const exact = evaluationOf(odd, { itemCount: 2, task: 'exact-perplexity' });
  return [
    runOf(),
    runOf({
      id: 'run-2',
      commit: null,
      finishedAt: null,
      wallSeconds: null,
      overheadSeconds: null,
      machine: other,
      startedAt: timeAt(60),
    }),
    trial,
    odd,
    trialOf({
      identity: { seed: 3, trainedOn: { provider: 'webgpu', device: null, runner: '0123456789abcdef' } },
      startedAt: timeAt(72),
    }),
    ...failures,
    failedTrialOf('failed', { run: 'run-2', identity: { seed: 10 }, startedAt: timeAt(71) }),
    evaluationOf(trial, { itemCount: 60 }),
    slicedEvaluationOf(trial),
    slicedEvaluationOf(trial, 0),
    empty,
    {
      ...exact,
      outcomes: { ...exact.outcomes, tokens: [2 ** 32, 2 ** 53 - 1], klDivergence: [5e-324, Number.MAX_VALUE] },
    },
    ...FAILURES.map((status, i) => failedEvaluationOf(trial, status, { task: `task-${i}`, sessionOptions: {} })),
    measurementOf(trial),
    { ...measurementOf(odd), latency: [] },
    measurementOf(trial, {
      runner: runnerOf({ provider: 'webgpu', device: deviceOf() }),
      onDevice: deviceFiguresOf({ findings: ['a remark'] }),
    }),
    failedMeasurementOf(trial, 'unsupported', {
      runner: runnerOf({ provider: 'cuda', device: deviceOf({ name: null }) }),
    }),
    ...FAILURES.map((status, i) =>
      failedMeasurementOf(trial, status, { runner: runnerOf({ machine: machineOf({ cores: i + 3 }) }) }),
    ),
  ];
}

function recordAll(store: Store, rows: readonly Row[]): void {
  for (const row of rows) {
    if (row.kind === 'run') recordRun(store, row);
    else if (row.kind === 'trial') recordTrial(store, row, { retry: true });
    else if (row.kind === 'evaluation') recordEvaluation(store, row);
    else recordMeasurement(store, row);
  }
}

function textOf(store: Store): string {
  return [...exportRows(store)].map(lineOf).join('');
}

describe('export and import', () => {
  it('restore every kind of row in every status, byte for byte', () => {
    const rows = everyRow();
    const store = temporaryStore();
    recordAll(store, rows);
    const text = textOf(store);
    expect(text.split('\n').slice(0, -1).toSorted()).toEqual(rows.map((row) => lineOf(row).trimEnd()).toSorted());
    const copy = temporaryStore();
    expect(importRows(copy, text.split('\n'), { where: 'rows' })).toEqual({ recorded: rows.length, present: 0 });
    expect(textOf(copy)).toBe(text);
  });

  it('change nothing when repeated, nor in another order', () => {
    const rows = everyRow();
    const lines = rows.map(lineOf);
    const store = temporaryStore();
    importRows(store, lines, { where: 'rows' });
    expect(importRows(store, lines, { where: 'rows' })).toEqual({ recorded: 0, present: rows.length });
    const reversed = temporaryStore();
    const runs = rows.filter(({ kind }) => kind === 'run').map(lineOf);
    importRows(reversed, [...runs, ...lines.toReversed()], { where: 'rows' });
    expect(textOf(reversed)).toBe(textOf(store));
    const keys = trialKeys(store);
    expect(doneKeys(reversed, keys)).toEqual(doneKeys(store, keys));
  });

  it('write one file per run, once', () => {
    const store = temporaryStore();
    recordAll(store, everyRow());
    const folder = temporaryFolder();
    const first = exportRun(store, 'run-1', folder);
    expect(first).toMatchObject({ outcome: 'written', path: join(folder, 'run-1.jsonl') });
    const bytes = readFileSync(first.path);
    expect(first).toMatchObject({ sizeBytes: bytes.length, rows: bytes.toString().trimEnd().split('\n').length });
    expect(exportRun(store, 'run-1', folder).outcome).toBe('present');
    appendFileSync(first.path, '\n');
    expect(() => exportRun(store, 'run-1', folder)).toThrow('published files are not changed');
    expect(() => exportRun(store, 'nowhere', folder)).toThrow('no such run');
    expect(() => exportRun(store, '../up', folder)).toThrow('cannot name a file');
  });

  it('select runs by time', () => {
    const store = temporaryStore();
    recordAll(store, everyRow());
    expect(
      new Set([...exportRows(store, { since: timeAt(60) })].map((row) => ('run' in row ? row.run : row.id))),
    ).toEqual(new Set(['run-2']));
  });

  it('read a folder in any order of its files and report missing trials', () => {
    const store = temporaryStore();
    const trial = trialOf();
    const later = evaluationOf(trial, { run: 'a-later-run', startedAt: timeAt(99) });
    recordAll(store, [runOf(), runOf({ id: 'a-later-run', startedAt: timeAt(95) }), trial, later]);
    const folder = temporaryFolder();
    exportRun(store, 'a-later-run', folder);
    const copy = temporaryStore();
    expect(importResults(copy, folder)).toEqual({ files: 1, recorded: 2, present: 0, missingTrials: [trial.key] });
    exportRun(store, 'run-1', folder);
    expect(importResults(copy, folder)).toEqual({ files: 2, recorded: 2, present: 2, missingTrials: [] });
    expect(textOf(copy)).toBe(textOf(store));
  });
});

describe('importRows', () => {
  it('names file and line and imports nothing of a bad file', () => {
    const store = temporaryStore();
    const good = [lineOf(runOf()), lineOf(trialOf())];
    const refused: readonly [string, string][] = [
      ['{"kind":', 'f.jsonl:3: not JSON'],
      ['{"kind":"trail"}', 'f.jsonl:3: kind: expected run, trial, evaluation or measurement, got "trail"'],
      ['null', 'f.jsonl:3: kind: expected'],
      [lineOf({ ...trialOf(), family: 'magic' as never }), 'family: Invalid type'],
      [lineOf({ ...trialOf(), run: 'other', startedAt: timeAt(5) }), 'no run "other"'],
      [lineOf(runOf({ suite: 'full' })), 'ids are never used again'],
      [lineOf(runOf({ wallSeconds: 1 })), 'was finished at'],
    ];
    for (const [line, message] of refused) {
      expect(() => importRows(store, [...good, line], { where: 'f.jsonl' }), line).toThrow(message);
      expect([...exportRows(store)], line).toEqual([]);
    }
  });

  it('finishes a run that was imported unfinished, but does not reopen a finished one', () => {
    const store = temporaryStore();
    const started = runOf({ finishedAt: null, wallSeconds: null, overheadSeconds: null });
    importRows(store, [lineOf(started), lineOf(runOf()), lineOf(started)], { where: 'rows' });
    expect([...exportRows(store)]).toEqual([runOf()]);
  });
});

describe('linesOf', () => {
  it('splits a file at newlines across chunks', () => {
    const path = join(temporaryFolder(), 'lines');
    const lines = [...Array(50).keys()].map((i) => `${i} ${'é'.repeat(i * 2000)}`);
    writeFileSync(path, lines.join('\n'));
    expect([...linesOf(path)]).toEqual(lines);
    writeFileSync(path, `${lines.join('\n')}\n`);
    expect([...linesOf(path)]).toEqual(lines);
  });
});

describe('corrections', () => {
  const request = { model: 'tiny', task: 'stories-perplexity', protocol: PROTOCOL.version };
  const correction = { kind: 'correction', run: 'run-1', reason: 'wrong clock', date: '2026-02-01' } as const;

  it('withdraw a row imported at any time, and the key is due again', () => {
    const trial = trialOf();
    const withdrawn = JSON.stringify({ ...correction, key: trial.key, action: 'withdraw' });
    for (const before of [true, false]) {
      const store = temporaryStore();
      if (before) importCorrections(store, [withdrawn], { where: 'c' });
      recordAll(store, [runOf(), runOf({ id: 'run-2' }), trial]);
      if (!before) importCorrections(store, [withdrawn], { where: 'c' });
      expect(importCorrections(store, [withdrawn], { where: 'c' })).toEqual({ recorded: 0, present: 1 });
      expect(doneKeys(store, [trial.key]).trials.size).toBe(0);
      expect(leaderboard(store, request).entries).toEqual([]);
      expect(trialDetail(store, trial.key).trials[0]).toMatchObject({
        effective: false,
        corrections: [{ reason: 'wrong clock' }],
      });
      expect(recordTrial(store, trialOf({ run: 'run-2', startedAt: timeAt(8) }))).toBe('recorded');
      expect(leaderboard(store, request).entries[0]!.trials[0]).toMatchObject({ run: 'run-2', annotations: [] });
    }
  });

  it('annotate a row wherever it is shown', () => {
    const store = temporaryStore();
    const trial = trialOf();
    const evaluation = evaluationOf(trial);
    recordAll(store, [runOf(), trial, evaluation]);
    const lines = [trial, evaluation].map(({ key }) => JSON.stringify({ ...correction, key, action: 'annotate' }));
    importCorrections(store, lines, { where: 'c' });
    expect(leaderboard(store, request).entries[0]!.trials[0]).toMatchObject({
      annotations: ['wrong clock'],
      evaluation: { annotations: ['wrong clock'] },
    });
  });

  it('refuse an invalid correction', () => {
    const store = temporaryStore();
    expect(() => importCorrections(store, ['{"kind":"correction"}'], { where: 'c.jsonl' })).toThrow(
      'c.jsonl:1: correction',
    );
  });
});

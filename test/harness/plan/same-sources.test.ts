import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../../contracts/errors.ts';
import { methodUnits } from '../../../cli/setup/registry.ts';
import { SAME_SOURCES } from '../../../harness/plan/method-source.ts';
import { readSameSources, recordSameSource, standingSource } from '../../../harness/plan/same-sources.ts';
import { sha256Of } from '../../support/rows.ts';
import { temporaryFolder } from '../../support/store.ts';

const entry = {
  method: 'rounding',
  source: sha256Of('newer'),
  sameAs: sha256Of('older'),
  trials: [sha256Of('trial')],
  date: '2026-11-26',
};

describe('the ledger of code that gives the same', () => {
  it('lets newer code stand under the hash of the older, of this method alone', () => {
    const path = join(temporaryFolder(), 'same-sources.jsonl');
    recordSameSource(path, entry);
    const ledger = readSameSources(path);
    expect(standingSource(ledger, { method: 'rounding', source: entry.source })).toBe(entry.sameAs);
    expect(standingSource(ledger, { method: 'cutting', source: entry.source })).toBe(entry.source);
    expect(standingSource(ledger, { method: 'rounding', source: sha256Of('other') })).toBe(sha256Of('other'));
  });

  it('has a line once, and refuses one that says otherwise', () => {
    const path = join(temporaryFolder(), 'same-sources.jsonl');
    recordSameSource(path, entry);
    recordSameSource(path, entry);
    expect(readSameSources(path)).toEqual([entry]);
    expect(() => recordSameSource(path, { ...entry, sameAs: sha256Of('another') })).toThrow(InputError);
    expect(readSameSources(path)).toEqual([entry]);
  });

  it('goes on behind a line that an editor left without its end', () => {
    const path = join(temporaryFolder(), 'same-sources.jsonl');
    recordSameSource(path, entry);
    writeFileSync(path, readFileSync(path, 'utf8').trimEnd());
    const next = { ...entry, source: sha256Of('newest') };
    recordSameSource(path, next);
    expect(readSameSources(path)).toEqual([entry, next]);
  });

  it.each([
    ['no JSON', 'same'],
    ['no hash', JSON.stringify({ ...entry, source: 'abc' })],
    ['no trial', JSON.stringify({ ...entry, trials: [] })],
    ['a word too many', JSON.stringify({ ...entry, note: '' })],
  ])('names the line that has %s', (_, line) => {
    const path = join(temporaryFolder(), 'same-sources.jsonl');
    recordSameSource(path, entry);
    writeFileSync(path, `${readFileSync(path, 'utf8')}${line}\n`);
    expect(() => readSameSources(path)).toThrow(`${path}:2: `);
  });

  it('of this repository speaks of registered methods, each source once', () => {
    const ledger = readSameSources(SAME_SOURCES);
    const known = methodUnits.map(({ method }) => method.id);
    for (const { method } of ledger) expect(known).toContain(method);
    expect(new Set(ledger.map(({ method, source }) => `${method} ${source}`)).size).toBe(ledger.length);
  });
});

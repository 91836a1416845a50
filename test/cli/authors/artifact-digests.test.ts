import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  type MethodDigests,
  REFUSED,
  artifactFinding,
  readDigests,
  runsKernels,
  withRecorded,
  writeDigests,
} from '../../../cli/authors/artifact-digests.ts';
import { methodRegistrations } from '../../../cli/setup/registry.ts';
import { InputError } from '../../../contracts/errors.ts';
import { sha256Of } from '../../support/rows.ts';
import { temporaryFolder } from '../../support/store.ts';

const REPOSITORY = resolve(import.meta.dirname, '../../..');
const COMMITTED = join(REPOSITORY, 'methods/artifact-digests.json');

const gptq = { id: 'gptq', family: 'quantization', revision: 1 } as const;
const inputs = sha256Of('models and examples');
const recorded: MethodDigests = {
  revision: 1,
  madeOn: 'x64 avx2',
  inputs,
  artifacts: { 'w4 on tiny-gpt': sha256Of('w4'), 'w4 on tiny-bert': REFUSED },
};
const same = { madeOn: 'x64 avx2', inputs, name: 'w4 on tiny-gpt', digest: sha256Of('w4') };

describe('artifactFinding', () => {
  it('finds nothing for the recorded artifact', () => {
    expect(artifactFinding(gptq, recorded, same)).toBeUndefined();
    expect(artifactFinding(gptq, recorded, { ...same, name: 'w4 on tiny-bert', digest: REFUSED })).toBeUndefined();
  });

  it('names the method, the artifact and both remedies where another artifact is made', () => {
    const finding = artifactFinding(gptq, recorded, { ...same, digest: sha256Of('other') }) ?? '';
    expect(finding).toContain('gptq makes another artifact of w4 on tiny-gpt under the same revision 1');
    expect(finding).toContain('If this was not meant, correct the change.');
    expect(finding).toContain('raise revision to 2 in methods/quantization/gptq.ts');
    expect(finding).toContain('npm run update-digests -- gptq');
  });

  it('compares artifacts of kernels only where the instruction sets match the record', () => {
    const other = { ...same, madeOn: 'x64 avx512f', digest: sha256Of('other') };
    expect(artifactFinding(gptq, recorded, other)).toBeUndefined();
    const { madeOn: _, ...everywhere } = recorded;
    const { madeOn: __, ...found } = other;
    expect(artifactFinding(gptq, everywhere, found)).toContain('makes another artifact');
  });

  it('detects a model that is newly refused or accepted, on any machine', () => {
    const elsewhere = { ...same, madeOn: 'arm64 asimd' };
    expect(artifactFinding(gptq, recorded, { ...elsewhere, digest: REFUSED })).toContain('made refused');
    expect(artifactFinding(gptq, recorded, { ...elsewhere, name: 'w4 on tiny-bert' })).toContain('recorded refused');
  });

  it.each([
    ['a raised revision', { ...gptq, revision: 2 }, {}, /declares revision 2, and .* holds revision 1; run: npm run/],
    [
      'another model or example',
      gptq,
      { inputs: sha256Of('other') },
      /models or examples .* have changed; run: npm run/,
    ],
    ['a new variant', gptq, { name: 'w2 on tiny-gpt' }, /gptq: w2 on tiny-gpt has no recorded digest; run: npm run/],
  ])('asks for new digests for %s', (_, method, change, message) => {
    expect(artifactFinding(method, recorded, { ...same, ...change })).toMatch(message);
  });

  it('refuses a lower revision', () => {
    expect(artifactFinding(gptq, { ...recorded, revision: 3 }, same)).toMatch(/revision 1, below the recorded 3/);
  });
});

describe('withRecorded', () => {
  const table = { gptq: recorded };
  const changed = { ...recorded, artifacts: { ...recorded.artifacts, 'w4 on tiny-gpt': sha256Of('other') } };

  it('refuses another artifact under the same revision, and accepts it under a higher one', () => {
    expect(() => withRecorded(table, gptq, changed)).toThrow(InputError);
    expect(() => withRecorded(table, gptq, changed)).toThrow(/nothing recorded: gptq makes another artifact/);
    const raised = { ...changed, revision: 2 };
    expect(withRecorded(table, { ...gptq, revision: 2 }, raised)).toEqual({ gptq: raised });
    expect(() => withRecorded({ gptq: raised }, gptq, changed)).toThrow(/a revision only rises/);
  });

  it('accepts a new method, added or removed variants, and other models under the same revision', () => {
    expect(withRecorded({}, gptq, recorded)).toEqual(table);
    const { 'w4 on tiny-bert': _, ...fewer } = recorded.artifacts;
    const others = { ...recorded, artifacts: { ...fewer, 'w2 on tiny-gpt': sha256Of('w2') } };
    expect(withRecorded(table, gptq, others)).toEqual({ gptq: others });
    const elsewhere = { ...changed, inputs: sha256Of('other models') };
    expect(withRecorded(table, gptq, elsewhere)).toEqual({ gptq: elsewhere });
  });
});

describe('methods/artifact-digests.json', () => {
  it('is formatted as writeDigests writes it: methods and artifacts sorted, one per line', () => {
    const path = join(temporaryFolder(), 'digests.json');
    writeDigests(path, Object.fromEntries(Object.entries(readDigests(COMMITTED)).toReversed()));
    expect(readFileSync(path, 'utf8')).toBe(readFileSync(COMMITTED, 'utf8'));
  });

  it('records instruction sets for the methods that run kernels: all that calibrate or train, and two data-free ones', () => {
    const table = readDigests(COMMITTED);
    for (const { method, file } of methodRegistrations) {
      expect([method.id, table[method.id]?.madeOn !== undefined]).toEqual([method.id, runsKernels(file, REPOSITORY)]);
    }
    const free = new Set(
      methodRegistrations.filter(({ method }) => method.access === 'data-free').map(({ method }) => method.id),
    );
    const kernels = methodRegistrations.filter(({ method }) => table[method.id]?.madeOn !== undefined);
    const withData = methodRegistrations.filter(({ method }) => method.access !== 'data-free');
    expect(kernels.map(({ method }) => method.id)).toEqual(
      expect.arrayContaining(withData.map(({ method }) => method.id)),
    );
    expect(kernels.map(({ method }) => method.id).filter((id) => free.has(id))).toEqual(['svd', 'tensor-train']);
  });

  it('is reported with its field where it is damaged', () => {
    const path = join(temporaryFolder(), 'digests.json');
    writeFileSync(path, JSON.stringify({ gptq: { ...recorded, revision: 0 } }));
    expect(() => readDigests(path)).toThrow(`${path}: gptq.revision: `);
  });
});

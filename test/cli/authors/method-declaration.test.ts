import { mkdtempSync, mkdirSync, cpSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import * as v from 'valibot';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Method } from '../../../engine/definitions/method.ts';
import rtn from '../../../methods/quantization/rtn.ts';
import { declarationFindings } from '../../../cli/authors/method-declaration.ts';
import { createMethod } from '../../../cli/authors/new-method.ts';

const REPOSITORY = resolve(import.meta.dirname, '../../..');
const wordy = Array.from({ length: 5 }, () => 'A sentence.').join(' ');
const of = (changes: Partial<Method>): Method => ({ ...rtn, ...changes });

describe('declarationFindings', () => {
  it('finds nothing wrong with a finished method', () => {
    expect(declarationFindings(rtn, REPOSITORY)).toEqual([]);
  });

  it.each([
    [{ description: 'no end' }, /^description: expected 1 to 4 sentences, got 0/],
    [{ description: wordy }, /^description: expected 1 to 4 sentences, got 5/],
    [{ paper: { ...rtn.paper, authors: ' ' } }, /^paper\.authors is empty/],
    [{ paper: { ...rtn.paper, url: 'http://arxiv.org/abs/1' } }, /^paper\.url: expected the https address/],
    [{ paper: { ...rtn.paper, url: 'https://example.org/fill-in' } }, /^paper\.url: expected the https address/],
    [{ paper: { ...rtn.paper, year: 12 } }, /^paper\.year: expected a year up to/],
    [{ revision: 0 }, /^revision: expected a whole number from 1, got 0/],
    [{ revision: 1.5 }, /^revision: .*got 1\.5/],
    [{ licence: 'Apache 2.0' }, /^licence: expected an SPDX identifier .*got "Apache 2\.0"/],
    [{ licence: 'NOASSERTION' }, /^licence: expected an SPDX identifier/],
    [{ params: v.object({}) as never }, /^params: expected v\.strictObject/],
    [{ params: v.strictObject({ bits: v.number() }) }, /^params\.bits: no description/],
    [{ variants: { w8: { bits: 8 } } }, /^variants: expected at least 5 .*got 1/],
    [{ variants: { ...rtn.variants, w0: { bits: 'none' } } }, /^variants\.w0: .*bits/],
    [{ id: 'elsewhere' }, /^methods\/quantization\/elsewhere\.ts is missing/],
    [{ access: 'calibrated' }, /^access: declared calibrated, but the file reads no data/],
  ] as const)('reports %j', (changes, message) => {
    const findings = declarationFindings(of(changes as Partial<Method>), REPOSITORY);
    expect(
      findings.some((finding) => message.test(finding)),
      findings.join('\n'),
    ).toBe(true);
  });
});

describe('declarationFindings of a newly created method', () => {
  let root = '';
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'shrinkrank-declaration-'));
    mkdirSync(join(root, 'methods'));
    cpSync(join(REPOSITORY, 'methods/index.ts'), join(root, 'methods/index.ts'));
    for (const name of ['contracts', 'numerics', 'engine', 'methods/shared']) {
      symlinkSync(join(REPOSITORY, name), join(root, name));
    }
    createMethod(root, ['quantization/rounded']);
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it('names the placeholders that are not filled in, in the method and in its test', () => {
    const findings = declarationFindings(of({ id: 'rounded' }), root);
    expect(findings).toHaveLength(3);
    expect(findings[0]).toMatch(/^methods\/quantization\/rounded\.ts: "FILL IN" is left in line 2, \d+, /);
    expect(findings[1]).toMatch(/^test\/methods\/quantization\/rounded\.test\.ts: "FILL IN" is left in line \d+$/);
    expect(findings[2]).toMatch(/^artifact digests: none recorded; .*npm run update-digests -- rounded$/);
    writeFileSync(join(root, 'test/methods/quantization/rounded.test.ts'), '');
    expect(declarationFindings(of({ id: 'rounded' }), root)).toHaveLength(2);
  });

  it('names a file that the method must not read', () => {
    writeFileSync(join(root, '.netrc'), '');
    const source = join(root, 'methods/quantization/rounded.ts');
    writeFileSync(source, "export const file = new URL('../../.netrc', import.meta.url);");
    const findings = declarationFindings(of({ id: 'rounded' }), root);
    expect(findings[0]).toMatch(/^files: methods\/quantization\/rounded\.ts reads \.netrc, which is outside methods\//);
  });
});

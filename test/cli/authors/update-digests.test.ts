import { describe, expect, it } from 'vitest';
import { testRuns } from '../../../cli/authors/update-digests.ts';
import { InputError } from '../../../contracts/errors.ts';

describe('testRuns', () => {
  it('runs the tests of the methods named, and those of derived figures where asked', () => {
    expect(testRuns(['gptq', 'derived-figures', 'rtn'])).toEqual([
      ['test/methods/contract.test.ts', '-t', '^(?:gptq|rtn) '],
      ['test/board/derive/derivation-revision.test.ts'],
    ]);
  });

  it('runs all of both where nothing is named', () => {
    expect(testRuns([])).toEqual([
      ['test/methods/contract.test.ts'],
      ['test/board/derive/derivation-revision.test.ts'],
    ]);
  });

  it('refuses a name that is no method', () => {
    expect(() => testRuns(['gpq'])).toThrow(InputError);
  });
});

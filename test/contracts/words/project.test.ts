import { describe, expect, it } from 'vitest';
import { commitAddress, fileAddress, projectAddressOf } from '../../../contracts/words/project.ts';

describe('projectAddressOf', () => {
  it('reads the forms that npm accepts, without suffixes that browsers cannot use', () => {
    expect(
      projectAddressOf({
        repository: { type: 'git', url: 'git+https://example.org/owner/board.git' },
        homepage: 'https://example.org/board/',
        bugs: { url: 'https://example.org/owner/board/issues' },
      }),
    ).toEqual({
      repository: 'https://example.org/owner/board',
      homepage: 'https://example.org/board',
      bugs: 'https://example.org/owner/board/issues',
    });
  });

  it('is null where nothing is set', () => {
    expect(projectAddressOf({ name: 'board', homepage: '' })).toEqual({ repository: null, homepage: null, bugs: null });
  });

  it.each(['owner/board', 'git@example.org:owner/board', 'http://example.org', 7])('refuses %j', (repository) => {
    expect(() => projectAddressOf({ repository })).toThrow('package.json: repository: expected an address that starts');
  });
});

it('names files and commits of the repository', () => {
  expect(fileAddress('https://example.org/a', 'methods/x.ts')).toBe('https://example.org/a/blob/HEAD/methods/x.ts');
  expect(commitAddress('https://example.org/a', 'abc+')).toBe('https://example.org/a/commit/abc');
});

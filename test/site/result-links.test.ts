import { describe, expect, it } from 'vitest';
import { slugOf } from '../../drizzle/slug.ts';
import { paths } from '../../site/lib/paths.ts';
import { boardOfResult, runHref } from '../../site/lib/result-links.ts';

const result = { model: 'minilm-l6', method: 'rtn', variant: 'w4g32-e4' };

describe('the links of a result', () => {
  it('lead to the board of its own model and of a task it was scored on', () => {
    const evaluations = [
      { task: 'withdrawn', effective: false },
      { task: 'sts-b', effective: true },
    ];
    const query = (link: string) => Object.fromEntries(new URL(link, 'http://site').searchParams);
    const own = { model: 'minilm-l6', q: 'rtn/w4g32-e4' };
    expect(query(boardOfResult({ ...result, evaluations }))).toEqual({ ...own, task: 'sts-b' });
    expect(query(boardOfResult({ ...result, evaluations: evaluations.slice(0, 1) }))).toMatchObject({
      task: 'withdrawn',
    });
    expect(query(boardOfResult({ ...result, evaluations: [] }))).toEqual(own);
  });

  it('lead to the page of its run, which the server names in the same way', () => {
    for (const run of ['20261201T124031-abc', 'run-1']) expect(runHref(run)).toBe(paths.run(slugOf(run)));
    for (const run of ['a b', 'con', '../x']) expect(runHref(run)).toBe(paths.runs);
  });
});

import { describe, expect, it } from 'vitest';
import { frontsOf } from '../../../board/derive/fronts.ts';
import type { DerivedEntry } from '../../../contracts/derived.ts';
import { costOf } from '../../support/rows.ts';
import { type Literal, entriesOf } from '../../support/derived-entries.ts';

function costFronts(literals: readonly Literal[], onAccelerator: readonly string[] = []) {
  const entries = entriesOf(literals).map((entry): DerivedEntry => {
    const seconds = entry.compute?.seconds ?? 0;
    return {
      ...entry,
      cost: { ...costOf('same'), wallSeconds: 100 / seconds },
      compute: {
        seconds,
        unit: onAccelerator.includes(entry.slug) ? 'accelerator' : 'processor',
        runs: 1,
        deviation: null,
      },
    };
  });
  return frontsOf(entries, [])
    .filter(({ axis }) => axis === 'compression-cost')
    .map(({ costClass, unit, entries: on }) => [costClass, unit, on]);
}

const LITERALS = [
  { slug: 'cheap', ratio: 4, loss: 1.2, seconds: 1 },
  { slug: 'dear', ratio: 4, loss: 1.1, seconds: 20 },
  { slug: 'trained', ratio: 4, loss: 1, seconds: 50, trains: true },
];

describe('the cost fronts of a board', () => {
  it('go by compute, in both classes', () => {
    expect(costFronts(LITERALS)).toEqual([
      ['low-cost', 'compute seconds', ['dear', 'cheap']],
      ['high-cost', 'compute seconds', ['trained']],
    ]);
  });

  it('go by wall time in both classes where any entry used another kind of processor', () => {
    expect(costFronts(LITERALS, ['trained'])).toEqual([
      ['low-cost', 'wall seconds', ['dear']],
      ['high-cost', 'wall seconds', ['trained']],
    ]);
  });

  it('take costs too small to be told from none as equal', () => {
    const tiny = [
      { slug: 'better', ratio: 4, loss: 1, seconds: 0.19 },
      { slug: 'worse', ratio: 4, loss: 1.2, seconds: 0.01 },
    ];
    expect(costFronts(tiny)[0]).toEqual(['low-cost', 'compute seconds', ['better']]);
  });
});

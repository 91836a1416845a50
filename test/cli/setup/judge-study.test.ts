import { describe, expect, it } from 'vitest';
import { judgeStudy } from '../../../cli/setup/judge-study.ts';
import type { Relation, Study } from '../../../studies/study.ts';
import { present } from '../../../contracts/present.ts';
import { fillBoard } from '../../support/board.ts';
import { EXAMPLE_CONTEST, EXAMPLE_STUDY } from '../../support/example-study.ts';
import { temporaryStore } from '../../support/store.ts';

function judgedContest(study: Study) {
  const store = temporaryStore();
  fillBoard(store, EXAMPLE_CONTEST);
  return present(judgeStudy(store, study)[0], 'the judged contest');
}

describe('judgeStudy', () => {
  it('judges each relation from the stored outcomes, or says why it cannot', () => {
    const { judged } = judgedContest(EXAMPLE_STUDY);
    expect(judged.map(({ judgement }) => (typeof judgement === 'string' ? judgement : judgement.verdict))).toEqual([
      'shown',
      'refuted',
      expect.stringContaining('not finished after 4 s'),
      'nobody/x was not run',
    ]);
    expect(judged[0]?.judgement).toMatchObject({ estimate: { value: expect.closeTo(-0.1, 6) } });
  });

  it('judges time at every shape by the speed-up over dense, unless it is noisy, and size by file bytes', () => {
    const relation = (
      first: string,
      second: string,
      rest: Required<Pick<Relation, 'metric' | 'expected'>>,
    ): Relation => ({ first, second, ...rest, reason: 'R' });
    const { judged, entries } = judgedContest({
      ...EXAMPLE_STUDY,
      relations: [
        relation('rounding/w8', 'dense/fp32', { metric: 'latency', expected: 'better' }),
        relation('dense/fp32', 'rounding/w8', { metric: 'latency', expected: 'not better' }),
        relation('rounding/w4', 'dense/fp32', { metric: 'latency', expected: 'better' }),
        relation('rounding/w8', 'dense/fp32', { metric: 'size', expected: 'better' }),
        relation('training/w4', 'rounding/w8', { metric: 'size', expected: 'not better' }),
        relation('cutting/s90', 'dense/fp32', { metric: 'size', expected: 'better' }),
      ],
    });
    expect(judged.map(({ shape }) => shape)).toEqual(['1x1', '8x128', '1x1', '8x128', '1x1', '8x128', ...Array(3)]);
    const verdicts = judged.map(({ judgement }) => (typeof judgement === 'string' ? judgement : judgement.verdict));
    const noisy = (shape: string) => `rounding/w4: no timing at ${shape} that is not noisy`;
    expect(verdicts.slice(4, 6)).toEqual([noisy('1x1'), noisy('8x128')]);
    expect(verdicts.at(-1)).toContain('not finished after 4 s');
    const [timed] = judged;
    const speedUp = entries.find(({ variant }) => variant === 'w8')?.latency[0]?.speedUp.value ?? Number.NaN;
    expect(timed?.judgement).toMatchObject({ estimate: { value: expect.closeTo(1 / speedUp, 12) } });
    const bytes = (variant: string) =>
      present(entries.find((entry) => entry.variant === variant)?.size, `size of ${variant}`).fileBytes;
    const ratio = bytes('w8') / bytes('fp32');
    const exactly = expect.closeTo(ratio, 12);
    expect(judged[6]?.judgement).toMatchObject({ estimate: { value: exactly, low: exactly, high: exactly } });
  });
});

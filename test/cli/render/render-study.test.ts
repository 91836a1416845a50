import { describe, expect, it } from 'vitest';
import { concludeStudy } from '../../../cli/render/conclude-study.ts';
import { renderStudy } from '../../../cli/render/render-study.ts';
import { judgeStudy } from '../../../cli/setup/judge-study.ts';
import { studies } from '../../../studies/index.ts';
import type { Relation, Study } from '../../../studies/study.ts';
import { addEntry, fillBoard } from '../../support/board.ts';
import { EXAMPLE_CONTEST, EXAMPLE_STUDY } from '../../support/example-study.ts';
import { runOf } from '../../support/rows.ts';
import { recordRun } from '../../../drizzle/record.ts';
import { temporaryStore } from '../../support/store.ts';

function filledStore() {
  const store = temporaryStore();
  fillBoard(store, EXAMPLE_CONTEST);
  return store;
}

describe('renderStudy', () => {
  it('counts the verdicts, computes the conclusions and lists the comparisons', () => {
    const page = renderStudy(EXAMPLE_STUDY, judgeStudy(filledStore(), EXAMPLE_STUDY));
    expect(page).toMatch(/^# Does it pay\?\n\nOne against the other\.\n/);
    expect(page).toContain('Of 2 relations measured 1 are shown, 1 refuted and 0 not shown.');
    expect(page).toContain('| training/w4 better than rounding/w4 | R0 | -0.1000');
    expect(page).toContain('not measured: nobody/x was not run');
    for (const entry of ['dense/fp32', 'training/w4', 'rounding/w8']) expect(page).toContain(`| ${entry} |`);
    expect(page).not.toContain('| dreaming/w1 |');
  });

  it('shows a note unchanged while every row is from its runs', () => {
    const page = renderStudy(EXAMPLE_STUDY, judgeStudy(filledStore(), EXAMPLE_STUDY));
    expect(page).toContain('- It pays where it hurts. (Note of 2026-01-02.)\n');
    expect(page).not.toContain('Out of date');
  });

  it('marks a note as outdated where the tables contain a row of another run', () => {
    const store = filledStore();
    recordRun(store, runOf({ id: 'run-2' }));
    addEntry(store, EXAMPLE_CONTEST, { method: 'training', variant: 'w4', seed: 1, nats: 0.1, run: 'run-2' });
    expect(renderStudy(EXAMPLE_STUDY, judgeStudy(store, EXAMPLE_STUDY))).toContain(
      '- It pays where it hurts. (Note of 2026-01-02.) **Out of date:** the tables hold rows of runs it does not know: run-2.',
    );
  });

  it.each(studies.map((study) => [study.id, study] as const))('%s concludes nothing without rows', (_, study) => {
    const page = renderStudy(study, judgeStudy(temporaryStore(), study));
    expect(page).toContain('**No relation of this study has been measured.**');
    expect(page).not.toContain('\n- ');
    for (const { text } of study.notes) expect(page).not.toContain(text);
  });

  it('reads relations of latency and size as ratios', () => {
    const relation = (first: string, second: string, rest: Pick<Relation, 'metric' | 'expected'>): Relation => ({
      first,
      second,
      ...rest,
      reason: 'R',
    });
    const systems: Study = {
      ...EXAMPLE_STUDY,
      relations: [
        relation('rounding/w8', 'dense/fp32', { metric: 'latency', expected: 'better' }),
        relation('dense/fp32', 'rounding/w8', { metric: 'latency', expected: 'not better' }),
        relation('training/w4', 'rounding/w8', { metric: 'size', expected: 'not better' }),
      ],
    };
    const page = renderStudy(systems, judgeStudy(filledStore(), systems));
    expect(page).toContain('| rounding/w8 faster than dense/fp32 at 1x1 | R |');
    expect(page).toContain('| dense/fp32 not faster than rounding/w8 at 1x1 | R |');
    expect(page).toContain('| training/w4 not smaller than rounding/w8 | R |');
    expect(page).toMatch(/\| ONNX file +\| speed-up 1x1 +\| speed-up 8x128 +\|/);
    expect(page).toContain('below 1 the first is faster or smaller');
    expect(renderStudy(EXAMPLE_STUDY, [])).not.toContain('below 1 the first');
  });
});

describe('concludeStudy', () => {
  const conclusions = (study: Study) => concludeStudy(judgeStudy(filledStore(), study));

  it('names the largest gain, what failed and by how much', () => {
    const [count, gain, failure] = conclusions(EXAMPLE_STUDY);
    expect(count).toBe('tiny: 1 of 2 judged relations are shown; 2 could not be judged.');
    expect(gain).toMatch(
      /^tiny: The largest gain in quality: training\/w4 loses 0\.1000 \[.*\] nats per decision less than/,
    );
    expect(failure).toMatch(
      /^tiny: Refuted: rounding\/w4 better than rounding\/w8; the first loses 0\.1900 \[.*\] nats .* more\.$/,
    );
  });

  it('concludes the opposite from opposite rows', () => {
    const swapped = EXAMPLE_STUDY.relations
      .slice(0, 2)
      .map((relation) => ({ ...relation, first: relation.second, second: relation.first }));
    const [count, gain, failure] = conclusions({ ...EXAMPLE_STUDY, relations: swapped });
    expect(count).toBe('tiny: 1 of 2 judged relations are shown.');
    expect(gain).toContain('rounding/w8 loses 0.1900');
    expect(failure).toContain('Refuted: rounding/w4 better than training/w4; the first loses 0.1000');
  });
});

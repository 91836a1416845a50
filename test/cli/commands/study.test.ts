import { describe, expect, it } from 'vitest';
import { findDataset, findModel, findTask, findVariants } from '../../../cli/setup/registry.ts';
import { type JudgedPlace, renderStudy } from '../../../cli/render/render-study.ts';
import { type Relation, studies, type Study } from '../../../studies/index.ts';
import { judgeStudy } from '../../../cli/commands/study.ts';
import type { Expectation } from '../../../numerics/statistics/judge-relation.ts';
import { suites } from '../../../cli/setup/suites.ts';
import { fillBoard } from '../../support/board.ts';
import { temporaryStore } from '../../support/store.ts';

const PLACE = { model: 'tiny', calibration: 'stories', task: 'stories-perplexity' };
const STUDY: Study = {
  id: 'example',
  title: 'Does it pay?',
  question: 'One against the other.',
  places: [PLACE],
  relations: [
    { first: 'training/w4', second: 'rounding/w4', expected: 'better', reason: 'R0' },
    { first: 'rounding/w4', second: 'rounding/w8', expected: 'better', reason: 'the wrong way round' },
    { first: 'rounding/w8', second: 'cutting/s90', expected: 'better', reason: 'one that failed' },
    { first: 'rounding/w8', second: 'nobody/x', expected: 'not worse', reason: 'one that is not there' },
  ],
  findings: ['It pays where it hurts.'],
};

describe('judgeStudy', () => {
  function judgedPlace() {
    const store = temporaryStore();
    fillBoard(store, PLACE);
    return judgeStudy(store, STUDY)[0] as JudgedPlace;
  }

  it('judges each relation from the stored outcomes, and says why one cannot be', () => {
    const { judged } = judgedPlace();
    expect(judged.map(({ judgement }) => (typeof judgement === 'string' ? judgement : judgement.verdict))).toEqual([
      'holds',
      'fails',
      expect.stringContaining('not finished after 4 s'),
      'nobody/x was not run',
    ]);
    expect(judged[0]?.judgement).toMatchObject({ estimate: { value: expect.closeTo(-0.1, 6) } });
  });

  it('is written as a page that counts the verdicts and lists what was compared', () => {
    const page = renderStudy(STUDY, [judgedPlace()]);
    expect(page).toMatch(/^# Does it pay\?\n\nOne against the other\.\n/);
    expect(page).toContain('Of 2 relations measured 1 hold, 0 are undecided and 1 fail.');
    expect(page).toContain('| training/w4 better than rounding/w4 | R0 | -0.1000');
    expect(page).toContain('not measured: nobody/x was not run');
    expect(page).toContain('\n\n- It pays where it hurts.\n\n');
    for (const entry of ['dense/fp32', 'training/w4', 'rounding/w8']) expect(page).toContain(`| ${entry} |`);
    expect(page).not.toContain('| dreaming/w1 |');
  });
});

describe('a study of speed and size', () => {
  const relation = (first: string, second: string, metric: 'latency' | 'size', expected: Expectation): Relation => ({
    first,
    second,
    metric,
    expected,
    reason: 'R',
  });
  const systems: Study = {
    ...STUDY,
    relations: [
      relation('rounding/w8', 'dense/fp32', 'latency', 'better'),
      relation('dense/fp32', 'rounding/w8', 'latency', 'not better'),
      relation('rounding/w4', 'dense/fp32', 'latency', 'better'),
      relation('rounding/w8', 'dense/fp32', 'size', 'better'),
      relation('training/w4', 'rounding/w8', 'size', 'not better'),
      relation('cutting/s90', 'dense/fp32', 'size', 'better'),
    ],
  };
  function judgedPlace() {
    const store = temporaryStore();
    fillBoard(store, PLACE);
    return judgeStudy(store, systems)[0] as JudgedPlace;
  }

  it('judges time at every shape by the speed-up over dense, unless it is noisy, and size by the bytes of the file', () => {
    const { judged, entries } = judgedPlace();
    expect(judged.map(({ shape }) => shape)).toEqual(['1x1', '8x128', '1x1', '8x128', '1x1', '8x128', ...Array(3)]);
    const verdicts = judged.map(({ judgement }) => (typeof judgement === 'string' ? judgement : judgement.verdict));
    const noisy = (shape: string) => `rounding/w4: no timing at ${shape} that is not noisy`;
    expect(verdicts.slice(4, 6)).toEqual([noisy('1x1'), noisy('8x128')]);
    expect(verdicts.at(-1)).toContain('not finished after 4 s');
    const [timed] = judged;
    const speedUp = entries.find(({ variant }) => variant === 'w8')?.latency[0]?.speedUp.value ?? Number.NaN;
    expect(timed?.judgement).toMatchObject({ estimate: { value: expect.closeTo(1 / speedUp, 12) } });
    const bytes = (variant: string) => entries.find((entry) => entry.variant === variant)?.size?.fileBytes as number;
    const ratio = bytes('w8') / bytes('fp32');
    expect(judged[6]?.judgement).toMatchObject({ estimate: { value: ratio, low: ratio, high: ratio } });
  });

  it('is written with ratios, speed-ups and files beside the qualities', () => {
    const page = renderStudy(systems, [judgedPlace()]);
    expect(page).toContain('| rounding/w8 faster than dense/fp32 at 8x128 | R |');
    expect(page).toContain('| dense/fp32 not faster than rounding/w8 at 1x1 | R |');
    expect(page).toContain('| training/w4 not smaller than rounding/w8 | R |');
    expect(page).toMatch(/\| ONNX file +\| speed-up 1x1 +\| speed-up 8x128 +\|/);
    expect(page).toContain('below 1 the first is faster or smaller');
    expect(renderStudy(STUDY, [judgedPlace()])).not.toContain('below 1 the first');
  });
});

describe('the studies', () => {
  it.each(studies.map((study) => [study.id, study] as const))(
    '%s compares what there is, in a suite of its own',
    (id, study) => {
      for (const { model, calibration, task } of study.places) {
        expect(findModel(model).id).toBe(model);
        expect(findDataset(calibration).id).toBe(calibration);
        expect(findTask(task).task.id).toBe(task);
      }
      const suite = suites.find((known) => known.id === id);
      expect(suite?.seeds).toHaveLength(3);
      for (const { variants } of suite?.entries ?? []) {
        expect(findVariants([...variants])).toHaveLength(variants.length);
        for (const { first, second } of study.relations)
          expect(variants).toEqual(expect.arrayContaining([first, second]));
      }
      for (const { first, second } of study.relations) expect(first).not.toBe(second);
    },
  );
});

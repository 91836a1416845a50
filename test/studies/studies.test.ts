import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findDataset, findModel, findTask, findVariants, REPOSITORY_ROOT } from '../../cli/setup/registry.ts';
import { suites } from '../../cli/setup/suites.ts';
import { studies } from '../../studies/index.ts';

const NO_STUDY = new Set(['contests.ts', 'index.ts', 'relations.ts', 'study.ts']);
const published = readdirSync(join(REPOSITORY_ROOT, 'results'));

describe('the studies', () => {
  it('are one per file, in the order of their ids', () => {
    const files = readdirSync(join(REPOSITORY_ROOT, 'studies')).filter((name) => !NO_STUDY.has(name));
    expect(studies.map(({ id }) => `${id}.ts`)).toEqual(files.toSorted());
  });

  it.each(studies.map((study) => [study.id, study] as const))(
    '%s compares registered variants, in a suite of its own',
    (id, study) => {
      for (const { model, calibration, task } of study.contests) {
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

  it.each(studies.map((study) => [study.id, study] as const))(
    '%s has notes with a date and published runs',
    (_, study) => {
      for (const { date, runs } of study.notes) {
        expect(date).toMatch(/^\d{4}-\d\d-\d\d$/);
        expect(runs.length).toBeGreaterThan(0);
        for (const run of runs) expect(published.some((name) => name.startsWith(run))).toBe(true);
      }
    },
  );
});

import { readdirSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { datasets } from '../../datasets/index.ts';
import { contentHash } from '../../datasets/shared/content-hash.ts';
import { findLeaks, NEAR_DUPLICATE_CONTAINMENT } from '../../datasets/shared/leak-guard.ts';
import type { Metric, SplitName, Splits } from '../../contracts/dataset.ts';
import { cachedHub, noHubCache } from '../support/hub-cache.ts';

const FOLDER = new URL('../../datasets/', import.meta.url);
const CLASSIFIED: ReadonlySet<Metric> = new Set(['classification-accuracy', 'f1', 'matthews-correlation']);
const GRADED: ReadonlySet<Metric> = new Set(['pearson-correlation', 'spearman-correlation', 'cosine-spearman']);
const SPLITS: readonly SplitName[] = ['test', 'validation', 'calibration', 'training'];

describe('datasets', () => {
  it('lists every file of the folder, sorted, each under the id that is its name', () => {
    const files = readdirSync(FOLDER).filter((name) => name.endsWith('.ts') && name !== 'index.ts');
    expect(datasets.map(({ id }) => `${id}.ts`)).toEqual(files.sort());
  });

  it('have unique content hashes and tasks', () => {
    const tasks = datasets.flatMap((dataset) => dataset.tasks.map(({ id }) => id));
    expect(new Set(tasks).size).toBe(tasks.length);
    expect(new Set(datasets.map((dataset) => dataset.contentHash)).size).toBe(datasets.length);
  });
});

describe.each(datasets)('dataset $id', (definition) => {
  it('states what it is, its licence, authors and source', () => {
    expect(definition.id).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
    for (const text of [definition.title, definition.licence, definition.version]) expect(text.trim()).not.toBe('');
    expect(definition.citation).toMatch(/\b\d{4}\b.*https:\/\//);
    expect(definition.contentHash).toMatch(/^[0-9a-f]{64}$/);
    if (definition.source.kind === 'hub') expect(definition.source.revision).toMatch(/^[0-9a-f]{40}$/);
  });

  it('has tasks on itself, with ids that begin with its own and a description', () => {
    expect(definition.tasks.length).toBeGreaterThan(0);
    for (const task of definition.tasks) {
      expect(task.dataset).toBe(definition.id);
      expect(task.id.startsWith(`${definition.id}-`), task.id).toBe(true);
      expect(task.id.endsWith(`-${task.metric}`), task.id).toBe(true);
      expect(task.description).toMatch(/\.$/);
      expect(task.higherIsBetter).toBe(task.metric !== 'perplexity');
      expect(task.chance === undefined, 'chance level').toBe(task.metric === 'perplexity');
      expect(task.classes !== undefined, 'names of classes').toBe(CLASSIFIED.has(task.metric));
      if (task.slices) expect(new Set(task.slices).size).toBe(task.slices.length);
    }
  });

  describe.skipIf(definition.source.kind === 'hub' && noHubCache)(
    `loaded${noHubCache ? ` (${noHubCache})` : ''}`,
    () => {
      let splits: Splits;
      beforeAll(async () => {
        splits = await definition.load(cachedHub());
      });

      it('has the pinned rows, with unique ids, in every split it may have', () => {
        expect(contentHash(splits)).toBe(definition.contentHash);
        for (const split of SPLITS) {
          const isEmpty = definition.evaluationOnly === true && split !== 'test';
          expect(splits[split].length === 0, split).toBe(isEmpty);
        }
        const ids = SPLITS.flatMap((split) => splits[split].map(({ id }) => id));
        expect(new Set(ids).size).toBe(ids.length);
        const rows = SPLITS.flatMap((split) => splits[split]);
        expect(rows.filter(({ text, pair }) => text.trim() === '' || pair?.trim() === '')).toEqual([]);
      });

      it.each(definition.tasks)('has what $metric needs in each row', ({ metric, slices, classes, chance }) => {
        const rows =
          CLASSIFIED.has(metric) || GRADED.has(metric) ? SPLITS.flatMap((split) => splits[split]) : splits.test;
        const faults = rows.filter(({ choices, label, pair, score, slice }) => {
          if (GRADED.has(metric) !== (score !== undefined && pair !== undefined)) return true;
          if (slices ? !slices.includes(slice ?? '') : slice !== undefined) return true;
          const answers = metric === 'choice-accuracy' ? choices : classes;
          if (!answers) return label !== undefined || choices !== undefined;
          return !(label !== undefined && label in answers) || new Set(answers).size !== answers.length;
        });
        expect(faults).toEqual([]);
        if (metric === 'f1') {
          const ones = splits.test.filter(({ label }) => label === 1).length / splits.test.length;
          expect(chance).toBe(ones / (ones + 0.5));
        }
        for (const slice of slices ?? []) expect(rows.filter((row) => row.slice === slice).length).toBeGreaterThan(30);
        if (metric !== 'choice-accuracy') return;
        for (const { id, choices = [] } of rows) {
          expect(chance, id).toBe(1 / choices.length);
          for (const choice of choices) expect(choice, id).toMatch(/^ \S/);
        }
      });

      it(`shares no item between splits, nor ${NEAR_DUPLICATE_CONTAINMENT * 100} % of one`, () => {
        expect(findLeaks(splits)).toEqual([]);
      });
    },
  );
});

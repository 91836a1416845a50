import { describe, expect, it } from 'vitest';
import { present } from '../../../contracts/present.ts';
import { costClassOf } from '../../../contracts/taxonomy.ts';
import { findDataset, findModel, findTask, findVariants } from '../../../cli/setup/registry.ts';
import { entriesOf, limitsOf } from '../../../cli/commands/run.ts';
import { planTrials } from '../../../harness/plan/plan.ts';
import { runnerOf } from '../../support/rows.ts';
import { NIGHT_LIMITS, suites } from '../../../cli/setup/suites.ts';

describe('suites', () => {
  it.each(suites.map((suite) => [suite.id, suite] as const))('%s contains registered ids only', (_, { entries }) => {
    for (const { model, calibration, tasks, variants } of entries) {
      findModel(model);
      findDataset(calibration);
      tasks.forEach(findTask);
      expect(findVariants(variants).length).toBeGreaterThan(0);
    }
  });

  it.each(suites.map((suite) => [suite.id, suite] as const))(
    '%s asks each model only tasks of its kind',
    async (_, suite) => {
      const models = [...new Set(suite.entries.map(({ model }) => model))].join(',');
      expect(planTrials(await entriesOf(suite, { models }), runnerOf()).length).toBeGreaterThan(0);
    },
  );

  it('gives a model without tasks those of another suite, with the limits of a night', async () => {
    const quick = present(
      suites.find(({ id }) => id === 'quick'),
      'the quick suite',
    );
    const choice = { models: 'minilm-l6-mrpc', methods: 'rtn/w8' };
    const [entry] = await entriesOf(quick, choice);
    expect(entry?.tasks.map(({ task }) => task.id)).toEqual(['mrpc-classification-accuracy', 'mrpc-f1']);
    expect(entry?.calibration.id).toBe('mrpc');
    expect(limitsOf(quick, choice)).toEqual(NIGHT_LIMITS);
    expect(limitsOf(quick, { models: 'tinyworld-gpt' })).toEqual(quick.limits);
    const [named] = await entriesOf(quick, { ...choice, tasks: 'sst2-classification-accuracy' });
    expect(named?.tasks.map(({ task }) => task.id)).toEqual(['sst2-classification-accuracy']);
    expect(named?.calibration.id).toBe('sst2');
  });

  it('has methods of both cost classes in the quick and the nightly suite', () => {
    for (const id of ['quick', 'nightly']) {
      const names = suites.find((suite) => suite.id === id)?.entries.flatMap(({ variants }) => variants) ?? [];
      const classes = findVariants(names).map(({ registration }) => costClassOf(registration.method.access));
      expect(new Set(classes)).toEqual(new Set(['low-cost', 'high-cost']));
    }
  });
});

/** `shrinkrank list`: the registered methods with their variants, models, tasks and suites. */
import { styleText } from 'node:util';
import { defineCommand } from 'citty';
import { models } from '../../models/index.ts';
import { unknownId } from '../contracts/errors.ts';
import { costClassOf } from '../contracts/method.ts';
import { renderColumns } from './format.ts';
import { jsonOption } from './home.ts';
import { print, printJson } from './output.ts';
import { methodUnits, taskUnits } from './registry.ts';
import { suites } from './suites.ts';

const KINDS = ['methods', 'models', 'tasks', 'suites'] as const;
type Kind = (typeof KINDS)[number];

export default defineCommand({
  meta: { name: 'list', description: 'List methods, models, tasks and suites.' },
  args: {
    kind: { type: 'positional', description: KINDS.join(', '), required: false },
    json: jsonOption,
  },
  run({ args }) {
    if (args.kind !== undefined && !isKind(args.kind)) throw unknownId('list', args.kind, KINDS);
    const kinds = args.kind === undefined ? KINDS : [args.kind];
    const listed = Object.fromEntries(kinds.map((kind) => [kind, LISTS[kind]()]));
    if (args.json) return printJson(listed);
    for (const kind of kinds) {
      const rows = LISTS[kind]().map((entry) => Object.values(entry).map(describe));
      print(styleText('bold', kind));
      for (const line of renderColumns(rows, rows[0]?.map(() => 'left') ?? [])) print(`  ${line}`);
      print('');
    }
  },
});

function isKind(text: string): text is Kind {
  return KINDS.some((kind) => kind === text);
}

function describe(value: unknown): string {
  return Array.isArray(value) ? value.join(' ') : String(value);
}

const LISTS: Readonly<Record<Kind, () => readonly Readonly<Record<string, unknown>>[]>> = {
  methods: () =>
    methodUnits.map(({ method }) => ({
      id: method.id,
      family: method.family,
      cost: costClassOf(method.access),
      access: method.access,
      role: method.control ? 'control' : 'method',
      variants: Object.keys(method.variants),
    })),
  models: () => models.map(({ id, architecture, licence, title }) => ({ id, architecture, licence, title })),
  tasks: () =>
    taskUnits.map(({ task, dataset }) => ({
      id: task.id,
      dataset: dataset.id,
      metric: `${task.metric}, ${task.higherIsBetter ? 'higher' : 'lower'} is better`,
      licence: dataset.licence,
    })),
  suites: () => suites.map(({ id, seeds, description }) => ({ id, seeds: `seeds ${seeds.join(', ')}`, description })),
};

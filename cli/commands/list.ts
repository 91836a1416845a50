/** `shrinkrank list`: the registered methods with their variants, models, tasks and suites. */
import { styleText } from 'node:util';
import { createCommand } from '../setup/command.ts';
import { models } from '../../models/index.ts';
import { unknownId } from '../../contracts/errors.ts';
import { costClassOf } from '../../contracts/taxonomy.ts';
import { outputColumns, renderHanging } from '../setup/columns.ts';
import { jsonOption } from '../setup/home.ts';
import { print, printJson } from '../setup/output.ts';
import { methodRegistrations, taskRegistrations } from '../setup/registry.ts';
import { suites } from '../setup/suites.ts';

const KINDS = ['methods', 'models', 'tasks', 'suites'] as const;
export type Kind = (typeof KINDS)[number];

export default createCommand({
  name: 'list',
  description: 'List the registered methods, models, tasks and suites.',
  examples: [
    { line: 'list', does: 'All four lists.' },
    { line: 'list methods', does: 'Methods with their variants.' },
    { line: 'list tasks --json', does: 'Tasks as JSON.' },
  ],
  args: {
    kind: { type: 'positional', description: KINDS.join(', '), required: false },
    json: jsonOption,
  },
  run({ args }) {
    if (args.kind !== undefined && !isKind(args.kind)) throw unknownId('list', args.kind, KINDS);
    const kinds = args.kind === undefined ? KINDS : [args.kind];
    const listed = Object.fromEntries(kinds.map((kind) => [kind, LISTS[kind]()]));
    if (args.json) return printJson(listed);
    print(kinds.map((kind) => renderList(kind, outputColumns())).join('\n\n'));
  },
});

export function renderList(kind: Kind, columns: number): string {
  const entries = LISTS[kind]();
  const titles = Object.keys(entries[0] ?? {});
  const rows = [
    titles.map((title) => styleText('dim', title)),
    ...entries.map((entry) => Object.values(entry).map(describe)),
  ];
  const lines = renderHanging(rows, { alignments: titles.map(() => 'left'), columns: columns - 2 });
  return [styleText('bold', kind), ...lines.map((line) => `  ${line}`)].join('\n');
}

function isKind(text: string): text is Kind {
  return KINDS.some((kind) => kind === text);
}

function describe(value: unknown): string {
  return Array.isArray(value) ? value.join(' ') : String(value);
}

const LISTS: Readonly<Record<Kind, () => readonly Readonly<Record<string, unknown>>[]>> = {
  methods: () =>
    methodRegistrations.map(({ method }) => ({
      id: method.id,
      family: method.family,
      cost: costClassOf(method.access),
      access: method.access,
      role: method.control ? 'control' : 'method',
      licence: method.licence,
      variants: Object.keys(method.variants),
    })),
  models: () =>
    models.map(({ id, architecture, licence, title, card = '' }) => ({ id, architecture, licence, title, card })),
  tasks: () =>
    taskRegistrations.map(({ task, dataset }) => ({
      id: task.id,
      dataset: dataset.id,
      metric: `${task.metric}, ${task.higherIsBetter ? 'higher' : 'lower'} is better`,
      licence: dataset.licence,
    })),
  suites: () => suites.map(({ id, seeds, description }) => ({ id, seeds: seeds.join(', '), description })),
};

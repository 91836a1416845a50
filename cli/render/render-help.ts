/** What --help prints, wrapped at the width of the terminal. */
import { styleText } from 'node:util';
import type { ArgDef } from 'citty';
import { optionsOf, positionalsOf, usageOf } from '../setup/command-arguments.ts';
import { type CommandWords, type Example } from '../setup/command.ts';
import { renderHanging, wrapParts } from '../setup/columns.ts';

/** Of one command: description, usage, arguments, options, examples. */
export function renderHelp(command: CommandWords, columns: number): string {
  const positionals = positionalsOf(command).map(({ title, description }) => [title, description]);
  const options = [...optionsOf(command)].map(([option, definition]) => [
    definition.type === 'string' ? `${option} <${definition.valueHint ?? option.slice(2)}>` : option,
    describe(definition),
  ]);
  return [
    ...wrapped(command.description, columns),
    '',
    ...wrapped(`Usage: ${usageOf(command)}`, columns),
    '',
    ...hanging([...positionals, ...options], columns),
    ...renderExamples(command.examples, columns),
  ].join('\n');
}

/** Of all commands. `summaries`: by name, a line each. */
export function renderUsage(summaries: Readonly<Record<string, string>>, columns: number): string {
  return [
    ...wrapped('ShrinkRank compresses language models, measures the result and ranks the methods.', columns),
    '',
    'Usage: shrinkrank <command> [options]',
    '',
    ...hanging(Object.entries(summaries), columns),
    ...renderExamples(
      [
        { line: 'run --suite quick', does: 'Run the quick suite and show the leaderboard.' },
        { line: 'run --help', does: 'Show the options of one command, with examples.' },
      ],
      columns,
    ),
    '',
    ...wrapped('In a clone of the repository, write `npm run shrinkrank --` in place of `shrinkrank`.', columns),
  ].join('\n');
}

function renderExamples(examples: readonly Example[], columns: number): string[] {
  return [
    '',
    'Examples:',
    ...examples.flatMap(({ line, does }) => [
      ...wrapped(`shrinkrank ${line}`, columns - 2).map((part, i) => `${i === 0 ? '  ' : '    '}${part}`),
      ...wrapped(does, columns - 6).map((part) => `      ${styleText('dim', part)}`),
    ]),
  ];
}

function describe({ description = '', default: initial }: ArgDef): string {
  const told = typeof initial === 'string' && initial !== '' && !description.includes('default');
  return told ? `${description} (default: ${initial})` : description;
}

function hanging(rows: readonly (readonly string[])[], columns: number): string[] {
  return renderHanging(rows, { alignments: ['left', 'left'], columns: columns - 2 }).map((line) => `  ${line}`);
}

function wrapped(text: string, columns: number): string[] {
  return wrapParts(text.split(' '), { separator: ' ', columns });
}

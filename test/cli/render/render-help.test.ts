import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { renderHelp, renderUsage } from '../../../cli/render/render-help.ts';
import { checkArguments } from '../../../cli/setup/command-arguments.ts';
import { width } from '../../../cli/setup/columns.ts';
import board from '../../../cli/commands/board.ts';
import changes from '../../../cli/commands/changes.ts';
import compare from '../../../cli/commands/compare.ts';
import correct from '../../../cli/commands/correct.ts';
import doctor from '../../../cli/commands/doctor.ts';
import exportRows from '../../../cli/commands/export.ts';
import importRows from '../../../cli/commands/import.ts';
import list from '../../../cli/commands/list.ts';
import nightly from '../../../cli/commands/nightly.ts';
import reproduce from '../../../cli/commands/reproduce.ts';
import run from '../../../cli/commands/run.ts';
import show from '../../../cli/commands/show.ts';
import study from '../../../cli/commands/study.ts';
import worker from '../../../cli/commands/worker.ts';

const COMMANDS = [
  board,
  changes,
  compare,
  correct,
  doctor,
  exportRows,
  importRows,
  list,
  nightly,
  reproduce,
  run,
  show,
  study,
  worker,
];

describe('renderHelp', () => {
  it('shows the command’s purpose and options, with values, defaults and examples', () => {
    const weigh = {
      name: 'weigh',
      description: 'Weigh things.',
      examples: [{ line: 'weigh apple --unit g', does: 'Weigh an apple.' }],
      args: {
        thing: { type: 'positional', description: 'What to weigh', required: true },
        other: { type: 'positional', description: 'What to weigh against', required: false },
        unit: { type: 'string', description: 'Unit of weight', default: 'kg', valueHint: 'name' },
        home: { type: 'string', description: 'Folder' },
        json: { type: 'boolean', description: 'Print JSON', default: false },
      },
    } as const;
    expect(stripVTControlCharacters(renderHelp(weigh, 80)).split('\n')).toEqual([
      'Weigh things.',
      '',
      'Usage: shrinkrank weigh <thing> [other] [options]',
      '',
      '  <thing>        What to weigh',
      '  [other]        What to weigh against',
      '  --unit <name>  Unit of weight (default: kg)',
      '  --home <home>  Folder',
      '  --json         Print JSON',
      '',
      'Examples:',
      '  shrinkrank weigh apple --unit g',
      '      Weigh an apple.',
    ]);
  });

  it.each(COMMANDS.map((command) => [command.name, command] as const))(
    '%s fits narrow and wide terminals and loses no word',
    (_, command) => {
      for (const columns of [60, 80, 120]) {
        const lines = renderHelp(command, columns).split('\n');
        expect(lines.filter((line) => width(line) > columns)).toEqual([]);
      }
      const words = (columns: number) => renderHelp(command, columns).split(/\s+/).toSorted();
      expect(words(60)).toEqual(words(1000));
    },
  );

  it.each(COMMANDS.map((command) => [command.name, command] as const))(
    '%s has examples that it takes',
    (name, command) => {
      expect(command.examples.length).toBeGreaterThan(0);
      for (const { line, does } of command.examples) {
        const [first, ...rawArgs] = (line.match(/'[^']*'|\S+/g) ?? []).map((word) => word.replaceAll("'", ''));
        expect(first).toBe(name);
        expect(() => checkArguments(command, rawArgs)).not.toThrow();
        expect(does).toMatch(/^[A-Z].*[.?]$/);
      }
    },
  );
});

describe('lists the commands within the width of the terminal', () => {
  it('lists the commands and stays within the columns', () => {
    const lines = renderUsage({ run: 'a summary that is too long to fit into forty columns', list: 'lists' }, 40).split(
      '\n',
    );
    expect(lines).toContain('  list  lists');
    expect(lines.filter((line) => width(line) > 40)).toEqual([]);
  });
});

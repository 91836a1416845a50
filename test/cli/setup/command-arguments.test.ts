import { describe, expect, it } from 'vitest';
import { checkArguments } from '../../../cli/setup/command-arguments.ts';
import { createCommand } from '../../../cli/setup/command.ts';
import { InputError } from '../../../contracts/errors.ts';

const command = createCommand({
  name: 'weigh',
  description: 'Weigh things.',
  examples: [],
  args: {
    thing: { type: 'positional', description: 'What to weigh', required: true },
    other: { type: 'positional', description: 'What to weigh against', required: false },
    unit: { type: 'string', description: 'Unit of weight', default: 'kg', valueHint: 'name' },
    home: { type: 'string', description: 'Folder' },
    json: { type: 'boolean', description: 'Print JSON', default: false },
  },
  run: () => {},
});

const check = (...rawArgs: readonly string[]) => checkArguments(command, rawArgs);

describe('checkArguments', () => {
  it.each([
    [['apple']],
    [['apple', 'pear']],
    [['apple', '--unit', 'g', 'pear', '--json']],
    [['--unit=g', 'apple', '--no-json']],
    [['apple', '-']],
    [['apple', '--home', '/a=b']],
  ])('accepts %j', (rawArgs) => {
    expect(check(...rawArgs)).toBeUndefined();
  });

  it.each([
    [[], 'weigh: missing <thing>; usage: shrinkrank weigh <thing> [other] [options]'],
    [['--json'], 'weigh: missing <thing>'],
    [['--unit', 'apple'], 'weigh: missing <thing>'],
    [['apple', 'pear', 'plum'], 'weigh: unexpected "plum"'],
    [
      ['apple', '--units', 'g'],
      'weigh: unknown option --units; did you mean --unit? shrinkrank weigh --help lists all options',
    ],
    [['apple', '--jsno'], 'weigh: unknown option --jsno; did you mean --json?'],
    [['apple', '--colour'], 'weigh: unknown option --colour; it takes --unit, --home, --json'],
    [['apple', '--no-unit'], 'weigh: unknown option --no-unit'],
    [['apple', '-u', 'g'], 'weigh: unknown option -u'],
    [['apple', '--unit'], 'weigh: --unit needs a value; see shrinkrank weigh --help'],
    [['apple', '--unit='], 'weigh: --unit needs a value'],
    [['apple', '--home', '--json'], 'weigh: --home needs a value'],
  ])('refuses %j', (rawArgs, message) => {
    expect(() => check(...rawArgs)).toThrow(InputError);
    expect(() => check(...rawArgs)).toThrow(message);
  });
});

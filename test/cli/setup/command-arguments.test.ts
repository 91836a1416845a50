import { defineCommand, type CommandDef } from 'citty';
import { describe, expect, it } from 'vitest';
import { checkArguments, renderHelp } from '../../../cli/setup/command-arguments.ts';
import { InputError } from '../../../contracts/errors.ts';

const command = defineCommand({
  meta: { name: 'weigh', description: 'Weigh things.' },
  args: {
    thing: { type: 'positional', description: 'What to weigh', required: true },
    other: { type: 'positional', description: 'What to weigh against', required: false },
    unit: { type: 'string', description: 'Unit of weight', default: 'kg', valueHint: 'name' },
    home: { type: 'string', description: 'Folder' },
    json: { type: 'boolean', description: 'Print JSON', default: false },
  },
}) as unknown as CommandDef;

const check = (...rawArgs: readonly string[]) => checkArguments('weigh', command, rawArgs);

describe('checkArguments', () => {
  it.each([
    [['apple']],
    [['apple', 'pear']],
    [['apple', '--unit', 'g', 'pear', '--json']],
    [['--unit=g', 'apple', '--no-json']],
    [['apple', '-']],
    [['apple', '--home', '/a=b']],
  ])('takes %j', async (rawArgs) => {
    await expect(check(...rawArgs)).resolves.toBeUndefined();
  });

  it.each([
    [[], 'weigh: missing <thing>; usage: shrinkrank weigh <thing> [other] [options]'],
    [['--json'], 'weigh: missing <thing>'],
    [['--unit', 'apple'], 'weigh: missing <thing>'],
    [['apple', 'pear', 'plum'], 'weigh: unexpected "plum"'],
    [['apple', '--units', 'g'], 'weigh: unknown option --units; it takes --unit, --home, --json'],
    [['apple', '--no-unit'], 'weigh: unknown option --no-unit'],
    [['apple', '-u', 'g'], 'weigh: unknown option -u'],
    [['apple', '--unit'], 'weigh: --unit needs a value; see shrinkrank weigh --help'],
    [['apple', '--unit='], 'weigh: --unit needs a value'],
    [['apple', '--home', '--json'], 'weigh: --home needs a value'],
  ])('refuses %j', async (rawArgs, message) => {
    await expect(check(...rawArgs)).rejects.toThrow(InputError);
    await expect(check(...rawArgs)).rejects.toThrow(message);
  });
});

describe('renderHelp', () => {
  it('says what the command does and takes, with values and defaults', async () => {
    expect((await renderHelp('weigh', command)).split('\n')).toEqual([
      'Weigh things.',
      '',
      'shrinkrank weigh <thing> [other] [options]',
      '',
      '  <thing>        What to weigh',
      '  [other]        What to weigh against',
      '  --unit <name>  Unit of weight (default: kg)',
      '  --home <home>  Folder',
      '  --json         Print JSON',
    ]);
  });
});

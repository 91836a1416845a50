/** What a command takes: checked before it runs, and told by --help. The parser itself lets anything pass. */
import type { ArgDef, ArgsDef, CommandDef, CommandMeta } from 'citty';
import { InputError } from '../../contracts/errors.ts';
import { renderColumns } from './columns.ts';

/** Throws InputError for an unknown option, one without its value, and for too many or too few words. */
export async function checkArguments(name: string, command: CommandDef, rawArgs: readonly string[]): Promise<void> {
  const { options, places } = await argumentsOf(command);
  const words: string[] = [];
  for (let i = 0; i < rawArgs.length; i++) {
    const argument = rawArgs[i] ?? '';
    if (!argument.startsWith('-') || argument === '-') {
      words.push(argument);
      continue;
    }
    const [option = '', value] = argument.split('=', 2);
    const type = options.get(option)?.type;
    const negated = options.get(option.replace(/^--no-/, '--'))?.type === 'boolean';
    if (type === undefined && !negated) {
      throw new InputError(`${name}: unknown option ${option}; it takes ${[...options.keys()].join(', ') || 'none'}`);
    }
    if (type !== 'string') continue;
    const given = value ?? rawArgs[++i];
    if (!given || (value === undefined && given.startsWith('--'))) {
      throw new InputError(`${name}: ${option} needs a value; see shrinkrank ${name} --help`);
    }
  }
  const missing = places.slice(words.length).filter(({ required }) => required);
  if (missing.length === 0 && words.length <= places.length) return;
  const problem =
    missing.length > 0
      ? `missing ${missing.map(({ title }) => title).join(' ')}`
      : `unexpected "${words[places.length]}"`;
  throw new InputError(`${name}: ${problem}; usage: ${usageOf(name, places)}`);
}

export async function renderHelp(name: string, command: CommandDef): Promise<string> {
  const { options, places } = await argumentsOf(command);
  const meta = (await (typeof command.meta === 'function' ? command.meta() : command.meta)) as CommandMeta | undefined;
  const rows = [
    ...places.map(({ title, description }) => [title, description]),
    ...[...options].map(([option, definition]) => [
      definition.type === 'string' ? `${option} <${definition.valueHint ?? option.slice(2)}>` : option,
      describe(definition),
    ]),
  ];
  return [
    meta?.description ?? '',
    '',
    usageOf(name, places),
    '',
    ...indent(renderColumns(rows, ['left', 'left'])),
  ].join('\n');
}

interface Place {
  readonly title: string;
  readonly description: string;
  readonly required: boolean;
}

async function argumentsOf(
  command: CommandDef,
): Promise<{ readonly options: ReadonlyMap<string, ArgDef>; readonly places: readonly Place[] }> {
  const defined = (await (typeof command.args === 'function' ? command.args() : command.args)) as ArgsDef | undefined;
  const args = Object.entries(defined ?? {});
  return {
    options: new Map(args.flatMap(([name, arg]) => (arg.type === 'positional' ? [] : [[`--${name}`, arg] as const]))),
    places: args.flatMap(([name, { type, required, description = '' }]) =>
      type === 'positional'
        ? [{ title: required === false ? `[${name}]` : `<${name}>`, description, required: required !== false }]
        : [],
    ),
  };
}

function describe({ description = '', default: initial }: ArgDef): string {
  const told = typeof initial === 'string' && initial !== '' && !description.includes('default');
  return told ? `${description} (default: ${initial})` : description;
}

function usageOf(name: string, places: readonly Place[]): string {
  return ['shrinkrank', name, ...places.map(({ title }) => title), '[options]'].join(' ');
}

function indent(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}

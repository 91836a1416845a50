/** Checks the arguments of a command before it runs: the parser itself accepts anything. */
import type { ArgDef } from 'citty';
import { InputError } from '../../contracts/errors.ts';
import { nearestName } from '../../contracts/words/nearest-name.ts';
import type { CommandWords } from './command.ts';

/** Throws InputError for an unknown option, an option without its value, and too many or too few positional arguments. */
export function checkArguments(command: CommandWords, rawArgs: readonly string[]): void {
  const { name } = command;
  const options = optionsOf(command);
  const positionals = positionalsOf(command);
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
    if (type === undefined && !negated) throw unknownOption(name, option, [...options.keys()]);
    if (type !== 'string') continue;
    const given = value ?? rawArgs[++i];
    if (!given || (value === undefined && given.startsWith('--'))) {
      throw new InputError(`${name}: ${option} needs a value; see shrinkrank ${name} --help`);
    }
  }
  const missing = positionals.slice(words.length).filter(({ required }) => required);
  if (missing.length === 0 && words.length <= positionals.length) return;
  const problem =
    missing.length > 0
      ? `missing ${missing.map(({ title }) => title).join(' ')}`
      : `unexpected "${words[positionals.length]}"`;
  throw new InputError(`${name}: ${problem}; usage: ${usageOf(command)}`);
}

function unknownOption(command: string, option: string, known: readonly string[]): InputError {
  const nearest = nearestName(option, known);
  const remedy =
    nearest === undefined
      ? `it takes ${known.join(', ') || 'none'}`
      : `did you mean ${nearest}? shrinkrank ${command} --help lists all options`;
  return new InputError(`${command}: unknown option ${option}; ${remedy}`);
}

export interface Positional {
  /** `<name>`, or `[name]` where it may be left out. */
  readonly title: string;
  readonly description: string;
  readonly required: boolean;
}

export function positionalsOf({ args }: CommandWords): readonly Positional[] {
  return Object.entries(args).flatMap(([name, { type, required, description = '' }]) =>
    type === 'positional'
      ? [{ title: required === false ? `[${name}]` : `<${name}>`, description, required: required !== false }]
      : [],
  );
}

/** By `--name`. */
export function optionsOf({ args }: CommandWords): ReadonlyMap<string, ArgDef> {
  return new Map(
    Object.entries(args).flatMap(([name, arg]) => (arg.type === 'positional' ? [] : [[`--${name}`, arg] as const])),
  );
}

/** `shrinkrank compare <first> <second> [options]` */
export function usageOf(command: CommandWords): string {
  return ['shrinkrank', command.name, ...positionalsOf(command).map(({ title }) => title), '[options]'].join(' ');
}

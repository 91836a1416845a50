#!/usr/bin/env node
/** `shrinkrank <command>`: one file per command, loaded when asked for. */
import { type ArgsDef, type CommandDef, defineCommand, renderUsage, runCommand } from 'citty';
import { InputError, unknownId } from '../contracts/errors.ts';
import { EXIT_CODES, print, reportError } from './output.ts';

const commands: Readonly<
  Record<string, { readonly summary: string; readonly load: () => Promise<{ readonly default: CommandDef }> }>
> = {
  run: {
    summary: 'run a suite, or methods × models × tasks; goes on where it ended',
    load: () => load(import('./run.ts')),
  },
  board: { summary: 'the leaderboard from the store', load: () => load(import('./board.ts')) },
  list: { summary: 'methods, models, tasks and suites there are', load: () => load(import('./list.ts')) },
  show: { summary: 'everything known of one variant', load: () => load(import('./show.ts')) },
  compare: { summary: 'two variants, paired, with intervals', load: () => load(import('./compare.ts')) },
  export: { summary: 'write rows of the store to results/', load: () => load(import('./export.ts')) },
  import: { summary: 'read rows of results/ into the store', load: () => load(import('./import.ts')) },
  doctor: { summary: 'what this machine can run, and why not', load: () => load(import('./doctor.ts')) },
};

process.exitCode = await main(process.argv.slice(2)).catch(reportError);

async function main([name, ...rawArgs]: readonly string[]): Promise<number> {
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    print(usage());
    return EXIT_CODES.done;
  }
  const entry = commands[name];
  if (!entry) throw unknownId('command', name, Object.keys(commands));
  const command = (await entry.load()).default;
  if (rawArgs.includes('--help') || rawArgs.includes('-h')) {
    print(await renderUsage(command, defineCommand({ meta: { name: 'shrinkrank' } })));
    return EXIT_CODES.done;
  }
  await rejectUnknownOptions(name, command, rawArgs);
  const { result } = await runCommand(command, { rawArgs });
  return typeof result === 'number' ? result : EXIT_CODES.done;
}

async function load(module: Promise<{ readonly default: unknown }>): Promise<{ readonly default: CommandDef }> {
  return { default: (await module).default as CommandDef };
}

function usage(): string {
  const lines = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(9)} ${summary}`);
  return ['shrinkrank <command> [options]', '', ...lines, '', 'shrinkrank <command> --help says more of each.'].join(
    '\n',
  );
}

/** The argument parser takes any option; a misspelt one must not be passed over in silence. */
async function rejectUnknownOptions(name: string, command: CommandDef, rawArgs: readonly string[]): Promise<void> {
  const defined = (await (typeof command.args === 'function' ? command.args() : command.args)) as ArgsDef | undefined;
  const known = Object.entries(defined ?? {}).flatMap(([option, { type }]) =>
    type === 'positional' ? [] : [`--${option}`],
  );
  for (const argument of rawArgs) {
    if (!argument.startsWith('-') || argument === '-') continue;
    const option = argument.split('=')[0] ?? '';
    if (known.includes(option) || known.includes(option.replace(/^--no-/, '--'))) continue;
    throw new InputError(`${name}: unknown option ${option}; it takes ${known.join(', ') || 'none'}`);
  }
}

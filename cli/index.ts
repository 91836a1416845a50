#!/usr/bin/env node
/** `shrinkrank <command>`: one file per command, loaded when asked for. */
import { enableCompileCache } from 'node:module';
import { type CommandDef, runCommand } from 'citty';
import { unknownId } from '../contracts/errors.ts';
import { checkArguments, renderHelp } from './setup/command-arguments.ts';
import { EXIT_CODES, print, reportError } from './setup/output.ts';

const commands: Readonly<
  Record<string, { readonly summary: string; readonly load: () => Promise<{ readonly default: CommandDef }> }>
> = {
  run: {
    summary: 'run a suite, or methods × models × tasks; goes on where it ended',
    load: () => load(import('./commands/run.ts')),
  },
  board: { summary: 'the leaderboard from the store', load: () => load(import('./commands/board.ts')) },
  list: { summary: 'methods, models, tasks and suites there are', load: () => load(import('./commands/list.ts')) },
  show: { summary: 'everything known of one variant', load: () => load(import('./commands/show.ts')) },
  compare: { summary: 'two variants, paired, with intervals', load: () => load(import('./commands/compare.ts')) },
  study: {
    summary: 'measure what a study compares, judge it, write it down',
    load: () => load(import('./commands/study.ts')),
  },
  nightly: {
    summary: 'what changed, drift, rows, report and site: what a timer starts',
    load: () => load(import('./commands/nightly.ts')),
  },
  changes: { summary: 'what a run changed, by test', load: () => load(import('./commands/changes.ts')) },
  reproduce: {
    summary: 'make published artifacts again, and compare them to the byte',
    load: () => load(import('./commands/reproduce.ts')),
  },
  correct: { summary: 'withdraw or annotate a published row', load: () => load(import('./commands/correct.ts')) },
  export: { summary: 'write rows of the store to results/', load: () => load(import('./commands/export.ts')) },
  import: { summary: 'read rows of results/ into the store', load: () => load(import('./commands/import.ts')) },
  worker: { summary: 'do the work of a fleet, until it is stopped', load: () => load(import('./commands/worker.ts')) },
  doctor: { summary: 'what this machine can run, and why not', load: () => load(import('./commands/doctor.ts')) },
};

// Most of the time of a short command goes into parsing modules; Node keeps them in the system's folder for such files.
enableCompileCache();
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
    print(await renderHelp(name, command));
    return EXIT_CODES.done;
  }
  await checkArguments(name, command, rawArgs);
  const { result } = await runCommand(command, { rawArgs });
  return typeof result === 'number' ? result : EXIT_CODES.done;
}

async function load(module: Promise<{ readonly default: unknown }>): Promise<{ readonly default: CommandDef }> {
  return { default: (await module).default as CommandDef };
}

function usage(): string {
  const lines = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(9)} ${summary}`);
  return [
    'shrinkrank <command> [options]',
    '',
    ...lines,
    '',
    'shrinkrank <command> --help says more of each. From a clone: npm run shrinkrank -- <command> [options]',
  ].join('\n');
}

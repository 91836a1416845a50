/**
 * Runs a suite on a machine with a GPU that has nothing installed but a driver:
 *   npm run gpu-run -- --archive gpu-run.tar.xz
 *   npm run gpu-run -- --through 'ssh user@machine' --to rows.jsonl -- --runner webgpu --suite quick
 * The first command writes the archive, which you copy to the machine: tar -xJf gpu-run.tar.xz && sh shrinkrank-gpu-run/run.sh --runner
 * webgpu > rows.jsonl. The second packs it, sends it through a command that runs a line of shell with our standard input,
 * runs the suite there in ./shrinkrank-gpu-run with the options after --, and brings the rows back. A run that was stopped goes on
 * when it is started again. `npm run shrinkrank -- import rows.jsonl` reads the rows.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, createWriteStream, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { formatBytes } from '../../contracts/words/figures.ts';
import { EXIT_CODES, remark, reportError } from '../setup/output.ts';
import { InputError } from '../../contracts/errors.ts';
import { ARCHIVE_FOLDER, LARGEST_ARCHIVE_BYTES, packArchive } from './gpu-archive.ts';

const USAGE =
  "usage: npm run gpu-run -- --archive <file.tar.xz>, or --through '<command>' [--to <rows.jsonl>] -- [options of run]";
const LOADERS = [
  '/usr/lib/x86_64-linux-gnu/libvulkan.so.1',
  '/usr/lib64/libvulkan.so.1',
  '/usr/lib/chromium/libvulkan.so.1',
];

if (import.meta.main) process.exitCode = await main(process.argv.slice(2)).catch(reportError);

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = readArguments(args);
  const level = Number(values.level);
  const kept = values.archive === undefined ? mkdtempSync(join(tmpdir(), 'gpu-run-archive-')) : undefined;
  const path = resolve(kept === undefined ? (values.archive ?? '') : join(kept, 'gpu-run.tar.xz'));
  try {
    const loader = LOADERS.find((candidate) => existsSync(candidate));
    if (loader === undefined)
      remark('this machine has no libvulkan.so.1 to pack: webgpu needs one on the other machine');
    const sizeBytes = packArchive({ path, level, ...(loader !== undefined && { loader }) });
    remark(`${kept === undefined ? `${path}: ` : ''}${formatBytes(sizeBytes)}`);
    if (sizeBytes > LARGEST_ARCHIVE_BYTES) {
      remark(`more than ${formatBytes(LARGEST_ARCHIVE_BYTES)}; use the default --level, or find out what has grown`);
      if (kept === undefined) return EXIT_CODES.incomplete;
    }
    if (values.through === undefined) return EXIT_CODES.done;
    return await runThere({ path, through: values.through, to: resolve(values.to), options: positionals });
  } finally {
    if (kept !== undefined) rmSync(kept, { recursive: true, force: true });
  }
}

function readArguments(args: readonly string[]) {
  const options = {
    archive: { type: 'string' },
    through: { type: 'string' },
    to: { type: 'string', default: 'rows.jsonl' },
    level: { type: 'string', default: '6' },
  } as const;
  try {
    const read = parseArgs({ args: [...args], options, allowPositionals: true });
    if (read.values.archive === undefined && read.values.through === undefined) throw new InputError(USAGE);
    if (!/^[0-9]$/.test(read.values.level)) {
      throw new InputError(`--level: expected a level of xz, 0 to 9, got "${read.values.level}"`);
    }
    return read;
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(`gpu-run: ${error instanceof Error ? error.message : String(error)}; ${USAGE}`);
  }
}

async function runThere(run: {
  readonly path: string;
  readonly through: string;
  readonly to: string;
  readonly options: readonly string[];
}): Promise<number> {
  const [command = '', ...args] = run.through.split(' ').filter((word) => word !== '');
  const line = `tar -xJf - && sh ${ARCHIVE_FOLDER}/run.sh ${run.options.map(quoted).join(' ')}`;
  const child = spawn(command, [...args, line], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  const sent = pipeline(createReadStream(run.path), child.stdin).catch((error: unknown) => error);
  await pipeline(child.stdout, createWriteStream(run.to));
  const [exitCode] = (await ended) as [number | null];
  const cause = await sent;
  if (exitCode !== EXIT_CODES.done && exitCode !== EXIT_CODES.incomplete) {
    rmSync(run.to, { force: true });
    throw new InputError(`gpu-run: "${run.through}" ended with exit code ${exitCode}; see its output above`, { cause });
  }
  remark(`rows in ${run.to}; npm run shrinkrank -- import ${run.to} reads them`);
  return exitCode;
}

/** The text as one word of a shell command. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

/**
 * A method in another language: a command that reads a folder and writes an ONNX file. It runs in the trial's process
 * group, so limits, contract checks and measurements are those of every other method.
 *
 * The command's working directory, and its last argument, is a folder with
 *   input/model.onnx       the dense model
 *   input/params.json      { params, seed, model: { id, architecture, kind, contextLength } }
 *   input/roles.json       RoleMap of engine/definitions/model.ts: which node and initializer plays which part
 *   input/calibration.npz  for calibrated, gradient and trained methods: see exampleArrays
 *   input/training.npz     for trained methods, in the same format
 * in which the command writes
 *   output/model.onnx      the compressed model, weights inside the file
 *   output/notes.json      optional remarks: notesSchema
 */
import { spawn } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { InputError, UnsupportedError } from '../../../contracts/errors.ts';
import {
  type ExampleSet,
  type Method,
  type MethodDefinition,
  type TrainedContext,
  defineMethod,
} from '../../../engine/definitions/method.ts';
import type { Access } from '../../../contracts/taxonomy.ts';
import type { ParamsSchema } from '../../../engine/definitions/shared-parameters.ts';
import type { Model } from '../../../engine/definitions/model.ts';
import { readModel } from '../../../numerics/onnx/read.ts';
import { writeModel } from '../../../numerics/onnx/write.ts';
import { type NpyArray, writeNpz } from './npz.ts';

export interface ExternalMethodDefinition<A extends Access, S extends ParamsSchema> extends Omit<
  MethodDefinition<A, S>,
  'compress'
> {
  /**
   * Program and arguments; the folder is appended as the last argument. Name a script beside the method by
   * `fileURLToPath(new URL('./script.py', import.meta.url))`; the sandbox then lets the command read it.
   */
  readonly command: readonly [program: string, ...args: readonly string[]];
}

/** Contents of notes.json; every field is optional, and any other field is an error. */
export const notesSchema = v.strictObject({
  /** Remarks for the row. */
  notes: v.optional(v.array(v.string())),
  /** The reason why the artifact is simulated: its size or speed is not what the method would really give. */
  simulated: v.optional(v.string()),
  /** The reason why this model cannot be compressed by the method; no output model is expected then. */
  unsupported: v.optional(v.string()),
  /** Training tokens processed and gradient steps made; added to the cost of trained methods. */
  tokensSeen: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0))),
  gradientSteps: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0))),
});

/** Largest artifact that the contract allows; a larger file is not read. */
const LARGEST_MODEL_RATIO = 4;
const LARGEST_NOTES_BYTES = 65_536;
/** Bytes kept of standard error: enough for a traceback, and bounded in memory. */
const KEPT_OUTPUT_BYTES = 8192;
/** Environment variables a program needs to run, without a user's private ones. */
const ENVIRONMENT = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'LD_LIBRARY_PATH'];

export function defineExternalMethod<const A extends Access, S extends ParamsSchema>({
  command,
  ...definition
}: ExternalMethodDefinition<A, S>): Method {
  const { id, access } = definition;
  const method = defineMethod<A, S>({
    ...definition,
    compress: (model, context) =>
      compressOutside({ id, access, command, model, context: context as TrainedContext<Record<string, unknown>> }),
  });
  return { ...method, command };
}

interface Job {
  readonly id: string;
  readonly access: Access;
  readonly command: ExternalMethodDefinition<Access, ParamsSchema>['command'];
  readonly model: Model;
  /** Reads only the data that the access class allows. */
  readonly context: TrainedContext<Record<string, unknown>>;
}

async function compressOutside(job: Job): Promise<Model> {
  const { context } = job;
  context.signal.throwIfAborted();
  const folder = mkdtempSync(join(tmpdir(), `shrinkrank-${job.id}-`));
  try {
    const denseBytes = writeInputs(folder, job);
    mkdirSync(join(folder, 'output'));
    await runCommand(folder, job);
    readNotes(folder, job);
    const onnx = readModel(readOutput(folder, 'model.onnx', { job, mostBytes: LARGEST_MODEL_RATIO * denseBytes }));
    context.progress(1);
    return job.model.withOnnx(onnx);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Bytes of the dense model. */
function writeInputs(folder: string, { access, model, context }: Job): number {
  const input = join(folder, 'input');
  mkdirSync(input);
  const { id, architecture, kind, contextLength, roles } = model;
  const bytes = writeModel(model.onnx);
  const seed = context.random.integer(2 ** 31);
  const params = { params: context.params, seed, model: { id, architecture, kind, contextLength } };
  writeFileSync(join(input, 'model.onnx'), bytes);
  writeFileSync(join(input, 'params.json'), JSON.stringify(params));
  writeFileSync(join(input, 'roles.json'), JSON.stringify(roles));
  if (access !== 'data-free')
    writeFileSync(join(input, 'calibration.npz'), writeNpz(exampleArrays(context.calibration)));
  if (access === 'trained') writeFileSync(join(input, 'training.npz'), writeNpz(exampleArrays(context.training)));
  return bytes.byteLength;
}

/**
 * `input_ids` int64 [examples, longest], 0 beyond an example's end; `attention_mask` int64 of that shape, 1 where there
 * is a token; `labels` int64 [examples] if all examples have one.
 */
export function exampleArrays({ examples }: ExampleSet): Readonly<Record<string, NpyArray>> {
  const longest = examples.reduce((most, { tokens }) => Math.max(most, tokens.length), 0);
  const shape = [examples.length, longest];
  const ids = new BigInt64Array(examples.length * longest);
  const mask = new BigInt64Array(ids.length);
  examples.forEach(({ tokens }, row) => {
    tokens.forEach((token, at) => (ids[row * longest + at] = BigInt(token)));
    mask.fill(1n, row * longest, row * longest + tokens.length);
  });
  const labels = examples.flatMap(({ label }) => (label === undefined ? [] : [BigInt(label)]));
  const labelled = examples.length > 0 && labels.length === examples.length;
  return {
    input_ids: { shape, values: ids },
    attention_mask: { shape, values: mask },
    ...(labelled && { labels: { shape: [labels.length], values: BigInt64Array.from(labels) } }),
  };
}

async function runCommand(folder: string, { id, command: [program, ...args], model, context }: Job): Promise<void> {
  const { signal } = context;
  const env = Object.fromEntries(ENVIRONMENT.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
  // Not detached: the command stays in the process group that is measured and, at the time limit, killed as a whole.
  const child = spawn(program, [...args, folder], { cwd: folder, env, stdio: ['ignore', 'ignore', 'pipe'] });
  let kept = Buffer.alloc(0);
  child.stderr.on('data', (chunk: Buffer) => (kept = Buffer.concat([kept, chunk]).subarray(-KEPT_OUTPUT_BYTES)));
  const onAbort = () => child.pid !== undefined && killTree(child.pid);
  signal.addEventListener('abort', onAbort);
  try {
    const ending = await new Promise<string>((resolve, reject) => {
      child.once('error', reject);
      // A descendant may keep the pipe open, so wait for exit and not for close.
      child.once('exit', (code, name) =>
        setImmediate(resolve, code === null ? `was killed by ${name}` : `ended with exit code ${code}`),
      );
    });
    signal.throwIfAborted();
    if (ending === 'ended with exit code 0') return;
    const said = kept.toString('utf8').trim();
    throw new InputError(
      `${id}: ${program} ${ending} on ${model.id}; ` +
        (said === '' ? 'standard error is empty' : `standard error ends with: ${said}`),
    );
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new UnsupportedError(
      `${id}: cannot compress ${model.id} here: the program ${program} is not on PATH (${process.env['PATH'] ?? ''}); install it`,
      { cause: error },
    );
  } finally {
    signal.removeEventListener('abort', onAbort);
    child.stderr.destroy();
  }
}

/** Kills a process and all its descendants. Each is stopped before its children are listed. */
function killTree(pid: number): void {
  for (const name of ['SIGSTOP', 'SIGKILL'] as const) {
    if (!send(pid, name)) return;
    if (name === 'SIGSTOP') for (const child of childrenOf(pid)) killTree(child);
  }
}

function send(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

/** From /proc; empty on systems without /proc, where the trial's process group ends with the trial. */
function childrenOf(pid: number): readonly number[] {
  if (!existsSync('/proc/self/stat')) return [];
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && parentOf(entry) === pid)
    .map(Number);
}

/** Second field after the command, https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
function parentOf(pid: string): number | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return undefined; // gone since it was listed
  }
}

function readNotes(folder: string, job: Job): void {
  if (!existsSync(join(folder, 'output', 'notes.json'))) return;
  const { id, context, access, model } = job;
  const text = Buffer.from(readOutput(folder, 'notes.json', { job, mostBytes: LARGEST_NOTES_BYTES })).toString('utf8');
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), notesSchema), text);
  if (!parsed.success) {
    const found = v.summarize(parsed.issues).replaceAll(/\s+/g, ' ').trim();
    throw new InputError(
      `${id}: output/notes.json does not match notesSchema in methods/shared/external/external-method.ts: ${found}`,
    );
  }
  const { notes = [], simulated, unsupported, tokensSeen = 0, gradientSteps = 0 } = parsed.output;
  if (unsupported !== undefined) throw new UnsupportedError(`${id}: cannot compress ${model.id}: ${unsupported}`);
  for (const note of notes) context.note(note);
  if (simulated !== undefined) context.simulated(simulated);
  if (access === 'trained') context.spent({ tokens: tokensSeen, steps: gradientSteps });
}

/** A file the command wrote: a regular file of at most `mostBytes`. */
function readOutput(
  folder: string,
  name: string,
  { job, mostBytes }: { readonly job: Job; readonly mostBytes: number },
): Uint8Array {
  const path = join(folder, 'output', name);
  const stat = lstatSync(path, { throwIfNoEntry: false });
  const where = `${job.id}: ${job.command[0]} exited with code 0 on ${job.model.id}`;
  if (!stat)
    throw new InputError(`${where} but wrote no output/${name}; write it into the folder passed as the last argument`);
  if (!stat.isFile())
    throw new InputError(`${where} but output/${name} is not a regular file; write a copy instead of a link`);
  if (stat.size > mostBytes) {
    throw new InputError(`${where} but output/${name} has ${stat.size} bytes, expected at most ${mostBytes}`);
  }
  return readFileSync(path);
}

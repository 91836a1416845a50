/** Runs the contract suite for one method in a separate process and reads which promises the method keeps. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InputError } from '../../contracts/errors.ts';

export interface ContractOutcome {
  readonly kept: number;
  /** The test's name without the method's, and the first line of what it found. */
  readonly broken: readonly { readonly promise: string; readonly reason: string }[];
  /** What the method refuses, each variant and model once; none of it counts as kept. */
  readonly refused: readonly Refusal[];
  readonly wallSeconds: number;
}

/** A variant that does not support a model, and the reason that the method gives. */
export interface Refusal {
  readonly variant: string;
  readonly model: string;
  readonly reason: string;
}

interface VitestReport {
  readonly testResults: readonly {
    readonly message?: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly fullName: string;
      /** What the suite says of a test besides its status: `refused` of one that was skipped because of it. */
      readonly meta?: { readonly refused?: Refusal };
      readonly failureMessages?: readonly string[];
    }[];
  }[];
}

const SUITE = 'test/methods/contract.test.ts';
/** Characters from the end of the output, shown where the suite could not be run. */
const SHOWN_OUTPUT = 2000;

/** @param root the repository. Aborting the signal ends the suite. */
export async function runContract(
  id: string,
  { root, signal }: { readonly root: string; readonly signal: AbortSignal },
): Promise<ContractOutcome> {
  const startedMs = performance.now();
  const folder = mkdtempSync(join(tmpdir(), 'shrinkrank-contract-'));
  try {
    const file = join(folder, 'report.json');
    const vitest = join(root, 'node_modules/vitest/vitest.mjs');
    const args = ['run', '--project', 'unit', SUITE, '-t', `^${id} `, '--reporter', 'json', '--outputFile', file];
    const output = await run([vitest, ...args], { root, signal });
    return { ...readReport(read(file, output), id), wallSeconds: (performance.now() - startedMs) / 1000 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function read(file: string, output: string): VitestReport {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as VitestReport;
  } catch (error) {
    throw new InputError(`the contract suite left no report: ${output.slice(-SHOWN_OUTPUT)}`, { cause: error });
  }
}

/** Throws InputError where the report has no test of the method that ran. */
export function readReport({ testResults }: VitestReport, id: string): Omit<ContractOutcome, 'wallSeconds'> {
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults);
  const named = tests.filter(({ fullName }) => fullName.startsWith(`${id} `));
  const refusals = named.flatMap(({ meta }) => meta?.refused ?? []);
  const own = named.filter(({ status }) => status !== 'skipped');
  if (own.length === 0) {
    const reason = testResults.find(({ message }) => message)?.message ?? 'the suite knows no method of this name';
    throw new InputError(`${SUITE} could not examine ${id}: ${reason.slice(0, SHOWN_OUTPUT)}`);
  }
  const broken = own
    .filter(({ status }) => status !== 'passed')
    .map(({ fullName, failureMessages }) => ({
      promise: fullName.slice(id.length + 1),
      reason: failureMessages?.[0]?.split('\n')[0] ?? 'not run',
    }));
  const refused = new Map(refusals.map((refusal) => [`${refusal.variant} ${refusal.model}`, refusal]));
  return { kept: own.length - broken.length, broken, refused: [...refused.values()] };
}

function run(
  args: readonly string[],
  { root, signal }: { readonly root: string; readonly signal: AbortSignal },
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: root, signal, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const keep = (chunk: Buffer) => (output = (output + chunk.toString('utf8')).slice(-SHOWN_OUTPUT));
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.once('error', reject);
    child.once('close', () => resolve(output));
  });
}

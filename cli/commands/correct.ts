/** `shrinkrank correct`: withdraws or annotates a published row, by a line in the ledger and in the store. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createCommand } from '../setup/command.ts';
import { type Correction, recordCorrection, validateCorrection } from '../../drizzle/correction.ts';
import { CORRECTIONS_FILE, linesOf } from '../../drizzle/import.ts';
import { type Store, rowsOfRun, runSummaries } from '../../drizzle/queries.ts';
import { canonicalJson } from '../../contracts/canonical-json.ts';
import { InputError, unknownId } from '../../contracts/errors.ts';
import { appendLine } from '../../harness/process/append-line.ts';
import { homeOption, jsonOption, openHomeStore } from '../setup/home.ts';
import { print, printJson } from '../setup/output.ts';
import { WORKING_FOLDER } from '../setup/registry.ts';

export default createCommand({
  name: 'correct',
  description:
    'Withdraw or annotate a published row. The correction is a line in results/corrections.jsonl, which every import applies.',
  examples: [
    { line: "correct 3f9a1c --withdraw --reason 'timed while a backup ran'", does: 'Take a row off the board.' },
    {
      line: "correct 3f9a1c --annotate --reason 'fan failed at noon'",
      does: 'Leave a row and show the reason beside it.',
    },
  ],
  args: {
    key: {
      type: 'positional',
      description: 'Key of the row, or the beginning of the key; `show` and the site print it',
      required: true,
    },
    run: {
      type: 'string',
      description: 'Run that wrote the row; needed where several runs wrote rows of this key',
      valueHint: 'id',
    },
    withdraw: {
      type: 'boolean',
      description: 'Take the row off the board; the next run measures its key again',
      default: false,
    },
    annotate: { type: 'boolean', description: 'Leave the row and show the reason beside it', default: false },
    reason: { type: 'string', description: 'The reason, for readers of the board', required: true },
    to: {
      type: 'string',
      description: 'Folder of corrections.jsonl (default: results)',
      valueHint: 'folder',
      default: join(WORKING_FOLDER, 'results'),
    },
    home: homeOption,
    json: jsonOption,
  },
  run({ args }) {
    if (args.withdraw === args.annotate) throw new InputError('correct: give either --withdraw or --annotate');
    if (!args.reason) throw new InputError('correct: a correction needs its --reason');
    const store = openHomeStore(args.home);
    try {
      const row = rowOf(store, args);
      const correction = validateCorrection({
        kind: 'correction',
        ...row,
        action: args.withdraw ? 'withdraw' : 'annotate',
        reason: args.reason,
        date: new Date().toISOString().slice(0, 10),
      });
      const outcome = appendCorrection(join(args.to, CORRECTIONS_FILE), correction);
      recordCorrection(store, correction);
      if (args.json) printJson({ ...correction, outcome });
      else print(`${correction.action} ${correction.key} of ${correction.run}: ${outcome}`);
    } finally {
      store.close();
    }
  },
});

/** Throws InputError unless exactly one row of the store is meant. */
function rowOf(
  store: Store,
  { key, run }: { readonly key: string; readonly run?: string | undefined },
): { readonly key: string; readonly run: string } {
  const runs = runSummaries(store, Number.MAX_SAFE_INTEGER).map(({ id }) => id);
  if (run !== undefined && !runs.includes(run)) throw unknownId('run', run, runs);
  const found = (run === undefined ? runs : [run]).flatMap((id) =>
    rowsOfRun(store, id).flatMap((row) => (row.key.startsWith(key) ? [{ key: row.key, run: id }] : [])),
  );
  const different = new Map(found.map((row) => [canonicalJson(row), row]));
  const [only, ...others] = different.values();
  if (only === undefined) throw new InputError(`correct: no row of the store has a key that begins with "${key}"`);
  if (others.length === 0) return only;
  const rows = [only, ...others].map((row) => `${row.key.slice(0, 16)} of ${row.run}`);
  throw new InputError(
    `correct: ${different.size} rows have keys that begin with "${key}": ${rows.join(', ')}; give more of the key, or --run`,
  );
}

/** Adds a line to the ledger; one that says the same is there already changes nothing. */
export function appendCorrection(path: string, correction: Correction): 'written' | 'present' {
  const line = canonicalJson(correction);
  if (existsSync(path)) {
    for (const known of linesOf(path)) {
      if (known.trim() !== '' && canonicalJson(validateCorrection(JSON.parse(known))) === line) return 'present';
    }
  }
  appendLine(path, line);
  return 'written';
}

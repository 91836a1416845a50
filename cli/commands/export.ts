/** `shrinkrank export`: the rows of finished and broken-off runs as JSON Lines, one file per run. */
import { relative, join } from 'node:path';
import { createCommand } from '../setup/command.ts';
import { exportRun } from '../../drizzle/export.ts';
import { isWithdrawn, runSummaries } from '../../drizzle/queries.ts';
import { InputError, unknownId } from '../../contracts/errors.ts';
import { formatBytes } from '../../contracts/words/figures.ts';
import { homeOption, jsonOption, openHomeStore } from '../setup/home.ts';
import { print, printJson } from '../setup/output.ts';
import { WORKING_FOLDER } from '../setup/registry.ts';

export default createCommand({
  name: 'export',
  description: 'Write rows of the store to a folder, one file per run. Published files are never changed.',
  examples: [
    { line: 'export', does: 'Write the rows of all runs to results/.' },
    { line: 'export --run latest --to rows', does: 'Write the newest run to another folder.' },
  ],
  args: {
    run: { type: 'string', description: 'Only this run; `latest` is the newest' },
    to: {
      type: 'string',
      description: 'Folder to write to (default: results)',
      valueHint: 'folder',
      default: join(WORKING_FOLDER, 'results'),
    },
    'allow-noisy': {
      type: 'boolean',
      description: 'Write runs too of which more than 20 % of the timings are noisy',
      default: false,
    },
    home: homeOption,
    json: jsonOption,
  },
  run({ args }) {
    const store = openHomeStore(args.home);
    try {
      // Left out: runs that were stopped before their first row, and runs that were rejected.
      const runs = runSummaries(store, Number.MAX_SAFE_INTEGER)
        .filter((run) => [run.trials, run.evaluations, run.measurements].some((rows) => Object.keys(rows).length > 0))
        .map(({ id }) => id)
        .filter((id) => !isWithdrawn(store, id));
      if (runs.length === 0) throw new InputError('export: the store holds no rows; run `npm run bench` first');
      const wanted = args.run === undefined ? runs : [args.run === 'latest' ? (runs[0] ?? '') : args.run];
      for (const run of wanted) if (!runs.includes(run)) throw unknownId('run', run, runs);
      const files = wanted
        .toReversed()
        .map((run) => exportRun(store, run, args.to, { allowNoisy: args['allow-noisy'] }));
      if (args.json) return printJson(files);
      for (const { path, rows, sizeBytes } of files) {
        print(`${relative(process.cwd(), path)}: ${rows} rows, ${formatBytes(sizeBytes)}`);
      }
    } finally {
      store.close();
    }
  },
});

/** `shrinkrank import`: reads published rows into the store; what is there already stays as it is. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { createCommand } from '../setup/command.ts';
import { recordCatalog } from '../../drizzle/catalog.ts';
import { openStore } from '../../drizzle/client.ts';
import { importFile, importResults } from '../../drizzle/import.ts';
import { InputError } from '../../contracts/errors.ts';
import { homeOf, homeOption, jsonOption } from '../setup/home.ts';
import { print, printJson, remark } from '../setup/output.ts';
import { WORKING_FOLDER } from '../setup/registry.ts';
import { catalog } from '../setup/run-suite.ts';
import { verifyRow } from '../setup/verify-row.ts';

export default createCommand({
  name: 'import',
  description:
    'Read published rows into the store, with the corrections that apply to them. Rows that the store already holds stay as they are.',
  examples: [
    { line: 'import', does: 'Read results/.' },
    { line: 'import rows.jsonl', does: 'Read one file.' },
  ],
  args: {
    from: {
      type: 'positional',
      description: 'A file of rows, or a folder of them (default: results)',
      required: false,
    },
    home: homeOption,
    json: jsonOption,
  },
  run({ args }) {
    const from = args.from ?? join(WORKING_FOLDER, 'results');
    const stat = statSync(from, { throwIfNoEntry: false });
    if (!stat) throw new InputError(`import: ${from}: no such file or folder; name one that export wrote`);
    const store = openStore(join(homeOf(args.home), 'store.sqlite'));
    try {
      recordCatalog(store, catalog());
      const summary = stat.isDirectory() ? importResults(store, from, verifyRow) : importFile(store, from, verifyRow);
      if (args.json) return printJson(summary);
      print(`${summary.recorded} rows recorded; ${summary.present} were in the store already`);
      const missing = 'missingTrials' in summary ? (summary.missingTrials as readonly string[]) : [];
      if (missing.length > 0)
        remark(`${missing.length} trials that rows refer to are in none of the files; import their files too`);
    } finally {
      store.close();
    }
  },
});

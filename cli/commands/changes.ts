/** `shrinkrank changes`: what a run changed, by test. */
import { createCommand } from '../setup/command.ts';
import { runSummaries } from '../../drizzle/queries.ts';
import { InputError, unknownId } from '../../contracts/errors.ts';
import { deriveStore } from '../../board/derive/derive-store.ts';
import { runChanges } from '../../board/derive/run-changes.ts';
import { homeOption, jsonOption, openHomeStore } from '../setup/home.ts';
import { print, printJson } from '../setup/output.ts';
import { renderChanges } from '../render/render-changes.ts';

export default createCommand({
  name: 'changes',
  description:
    'Show what a run changed: figures that moved, with the test that found it, what began to fail and what is new.',
  examples: [
    { line: 'changes', does: 'The newest run.' },
    { line: 'changes --run 20261126T004213-quick-24p', does: 'A run by its id.' },
  ],
  args: {
    run: { type: 'string', description: 'Id of the run; `latest` for the newest', default: 'latest' },
    home: homeOption,
    json: jsonOption,
  },
  run({ args }) {
    const store = openHomeStore(args.home);
    try {
      const runs = runSummaries(store, Number.MAX_SAFE_INTEGER).map(({ id }) => id);
      const run = args.run === 'latest' ? runs[0] : args.run;
      if (run === undefined) throw new InputError('changes: the store holds no run; `npm run bench` makes one');
      if (!runs.includes(run)) throw unknownId('run', run, runs);
      deriveStore(store);
      const changes = runChanges(store, run);
      if (args.json) printJson(changes);
      else print(renderChanges(changes).join('\n'));
    } finally {
      store.close();
    }
  },
});

/** `shrinkrank changes`: what a run changed, by test. */
import { defineCommand } from 'citty';
import { runSummaries } from '../../drizzle/queries.ts';
import { InputError, unknownId } from '../../contracts/errors.ts';
import { deriveStore } from '../../board/derive/derive-store.ts';
import { runChanges } from '../../board/derive/run-changes.ts';
import { homeOption, jsonOption, openHomeStore } from '../setup/home.ts';
import { print, printJson } from '../setup/output.ts';
import { renderChanges } from '../render/render-changes.ts';

export default defineCommand({
  meta: {
    name: 'changes',
    description: 'Say what a run changed: figures that moved, by test, what broke, what is new.',
  },
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

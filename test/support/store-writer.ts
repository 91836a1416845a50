/**
 * A process that records rows until it is killed: `node store-writer.ts <store> <first seed>`. Says `ready`, then the key
 * of each row on a line of its own once the row is recorded; an evaluation follows each trial.
 */
import { writeSync } from 'node:fs';
import { openStore } from '../../drizzle/client.ts';
import { recordEvaluation, recordRun, recordTrial } from '../../drizzle/record.ts';
import { evaluationOf, runOf, trialOf } from './rows.ts';

const [path, first] = process.argv.slice(2);
const store = openStore(path!);
recordRun(store, runOf());
writeSync(1, 'ready\n');
for (let seed = Number(first); ; seed++) {
  const trial = trialOf({ identity: { seed } });
  recordTrial(store, trial);
  writeSync(1, `${trial.key}\n`);
  const evaluation = evaluationOf(trial, { itemCount: 60 });
  recordEvaluation(store, evaluation);
  writeSync(1, `${evaluation.key}\n`);
}

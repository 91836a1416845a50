/** A board whose names and descriptions are what a malicious or careless author might write. */
import { recordCatalog } from '../../drizzle/catalog.ts';
import type { Store } from '../../drizzle/client.ts';
import { recordCorrection } from '../../drizzle/correction.ts';
import { recordTrial } from '../../drizzle/record.ts';
import { addEntry, fillBoard } from './board.ts';
import { catalogOf, methodEntryOf } from './catalog.ts';
import { failedTrialOf } from './rows.ts';

export const HOSTILE_IDS = [
  '<script>alert("method")</script>',
  'turned \u202eexe.gnp',
  '=HYPERLINK("https://example.org")',
  '-2+3',
  '../../outside',
  'line\r\nbreak,"quoted"',
  'nul\0 and bell\u0007',
  'CON',
] as const;
const PLACE = { model: '@model <b>\u2066', task: '=1+1/task\n' } as const;

export function fillHostileBoard(store: Store): void {
  fillBoard(store, PLACE);
  const description = 'What <img src=x onerror=alert(1)> does.\u202e\u2028';
  const base = catalogOf();
  recordCatalog(
    store,
    catalogOf({
      methods: [
        ...base.methods,
        ...HOSTILE_IDS.map((id) => methodEntryOf(id, { description, sourceFile: `${id}.ts` })),
      ],
      models: base.models.map((model) => ({ ...model, id: PLACE.model, title: '<h1>' })),
      tasks: [...base.tasks, { ...base.tasks[0], id: PLACE.task, description } as (typeof base.tasks)[number]],
    }),
  );
  for (const [i, id] of HOSTILE_IDS.entries()) {
    const fields = { notes: [`note of ${id}`], simulated: i % 2 === 0 ? `because ${id}` : null };
    addEntry(store, PLACE, { method: id, variant: id, zstdBytes: 300_000 + i, nats: 0.1 * i, fields });
  }
  const identity = { method: HOSTILE_IDS[0], variant: 'fails', model: PLACE.model, revision: 1 };
  const failed = failedTrialOf('failed', { identity, reason: `=cmd|' /C calc'!A0 ${HOSTILE_IDS.join(' ')}` });
  recordTrial(store, failed);
  recordCorrection(store, {
    kind: 'correction',
    key: failed.key,
    run: 'run-1',
    action: 'annotate',
    reason: '<script>\u202e',
    date: '2026-01-02',
  });
}

/** `shrinkrank board`: the leaderboard in the terminal, by weight class, low-cost beside high-cost. */
import { defineCommand } from 'citty';
import { leaderboard } from '../../drizzle/queries.ts';
import { PROTOCOL } from '../../contracts/protocol.ts';
import { placeOf, placeOptions } from '../setup/find-entry.ts';
import { homeOption, jsonOption, openHomeStore } from '../setup/home.ts';
import { print, printJson } from '../setup/output.ts';
import { renderBoard } from '../render/render-board.ts';

export default defineCommand({
  meta: { name: 'board', description: 'Show the leaderboard of a model and task from the store.' },
  args: {
    ...placeOptions,
    home: homeOption,
    json: jsonOption,
  },
  run({ args }) {
    const request = placeOf(args);
    const store = openHomeStore(args.home);
    try {
      if (args.json) printJson(leaderboard(store, { ...request, protocol: PROTOCOL.version }));
      else print(renderBoard(store, request));
    } finally {
      store.close();
    }
  },
});

export function printBoards(request: {
  readonly home: string;
  readonly boards: readonly { readonly model: string; readonly task: string }[];
  /** Fingerprint; where it has measured nothing of a board, that board is another's. */
  readonly runner: string;
}): void {
  const store = openHomeStore(request.home);
  try {
    for (const board of request.boards) print(`${renderBoard(store, { ...board, runner: request.runner })}\n`);
  } finally {
    store.close();
  }
}

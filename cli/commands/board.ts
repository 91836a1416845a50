/** `shrinkrank board`: the leaderboard in the terminal, by weight class, low-cost beside high-cost. */
import { createCommand } from '../setup/command.ts';
import { leaderboard } from '../../board/derive/leaderboard.ts';
import { PROTOCOL } from '../../contracts/protocol.ts';
import { placeOf, placeOptions } from '../setup/find-entry.ts';
import { homeOption, jsonOption, openHomeStore } from '../setup/home.ts';
import { print, printJson } from '../setup/output.ts';
import { renderBoard } from '../render/render-board.ts';

export default createCommand({
  name: 'board',
  description: 'Show the leaderboard of a model and task.',
  examples: [
    { line: 'board', does: 'The board of the first model and task of the quick suite.' },
    { line: 'board --model tinyworld-bert', does: 'The board of another model.' },
    { line: 'board --json', does: 'Every entry with all its figures.' },
  ],
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

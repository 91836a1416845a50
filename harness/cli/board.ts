/** `shrinkrank board`: the leaderboard in the terminal, by weight class, low-cost beside high-cost. */
import { defineCommand } from 'citty';
import { leaderboard } from '../../drizzle/queries.ts';
import { PROTOCOL } from '../contracts/protocol.ts';
import { homeOption, jsonOption, openHomeStore } from './home.ts';
import { print, printJson } from './output.ts';
import { findModel, findTask } from './registry.ts';
import { renderBoard } from './render-board.ts';
import { suites } from './suites.ts';

export default defineCommand({
  meta: { name: 'board', description: 'Show the leaderboard of a model and task from the store.' },
  args: {
    model: { type: 'string', description: 'Model', default: suites[0]?.entries[0]?.model ?? '' },
    task: { type: 'string', description: 'Task', default: suites[0]?.entries[0]?.tasks[0] ?? '' },
    home: homeOption,
    json: jsonOption,
  },
  run({ args }) {
    const request = { model: findModel(args.model).id, task: findTask(args.task).task.id };
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
}): void {
  const store = openHomeStore(request.home);
  try {
    for (const board of request.boards) print(`${renderBoard(store, board)}\n`);
  } finally {
    store.close();
  }
}

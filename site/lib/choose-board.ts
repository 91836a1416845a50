/** Which board an address means: ?model=…&task=…&runner=…, each of them optional. */
import type { BoardChoice } from './board-view.ts';

export interface ChosenBoard {
  readonly choice: BoardChoice | null;
  /** The first name given up, as "model huge"; null where all that is named was found. */
  readonly missing: string | null;
}

const NAMES = ['model', 'task', 'runner'] as const;

/**
 * Of the boards that have everything the address names, the one most like `usual` in the rest: its model first, then its
 * task, then its runner. A name that no board left by those before it has is given up.
 */
export function chooseBoard(
  choices: readonly BoardChoice[],
  usual: Pick<BoardChoice, (typeof NAMES)[number]>,
  address: URLSearchParams,
): ChosenBoard {
  let fitting = choices;
  let missing: string | null = null;
  for (const name of NAMES) {
    const wanted = address.get(name);
    if (wanted === null) continue;
    const found = fitting.filter((choice) => choice[name] === wanted);
    if (found.length > 0) fitting = found;
    else missing ??= `${name} ${wanted}`;
  }
  const likeness = (choice: BoardChoice) =>
    NAMES.reduce((sum, name, i) => sum + (choice[name] === usual[name] ? 4 >> i : 0), 0);
  const [choice = null] = fitting.toSorted((a, b) => likeness(b) - likeness(a));
  return { choice, missing };
}

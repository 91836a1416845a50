/** Minimal pairs as rows: a sentence about the weather, the common beginning, and the two continuations. */
import type { DatasetRow } from '../../../contracts/dataset.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';
import { setting } from './filler.ts';
import { drawMinimalPair, PHENOMENON_IDS } from './grammar.ts';
import { capitalized } from './prose.ts';
import { WORLD_SEED } from './world.ts';

const PER_PHENOMENON = 60;

/** 60 rows per phenomenon, without repeated sentences. */
export function grammarQuestions(): readonly DatasetRow[] {
  const root = createRandom(`${WORLD_SEED}/grammar-questions`);
  return PHENOMENON_IDS.flatMap((phenomenon) => {
    const random = root.fork(phenomenon);
    const asked = new Set<string>();
    const rows: DatasetRow[] = [];
    while (rows.length < PER_PHENOMENON) {
      const { opening, right, wrong } = drawMinimalPair(random, phenomenon, true);
      const sentence = `${opening} ${right}`;
      if (asked.has(sentence)) continue;
      asked.add(sentence);
      const choices = random.shuffle([right, wrong]);
      rows.push({
        id: `${phenomenon}-${String(rows.length).padStart(2, '0')}`,
        slice: phenomenon,
        text: `${setting(random)} ${capitalized(opening)}`,
        choices: choices.map((choice) => ` ${choice}`),
        label: choices.indexOf(right),
      });
    }
    return rows;
  });
}

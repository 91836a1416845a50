/**
 * The text corpus: four splits, each document with its own random stream, and how often training text states each fact.
 */
import { present } from '../../../contracts/present.ts';
import type { DatasetRow, SplitName, Splits } from '../../../contracts/dataset.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';
import { almanac, countingStory, entry, locationStory, possessionStory, sketch, type Teller } from './documents.ts';
import { type Fact, tinyWorld, WORLD_SEED } from './world.ts';

/** Kinds of paragraphs and their shares in percent. */
const KINDS: readonly { readonly share: number; readonly write: (teller: Teller) => string }[] = [
  { share: 36, write: entry },
  { share: 8, write: almanac },
  { share: 16, write: locationStory },
  { share: 14, write: possessionStory },
  { share: 12, write: countingStory },
  { share: 14, write: sketch },
];

/** A shorter document gets another paragraph: two short entries on one subject would be near-duplicates. */
const SHORTEST_DOCUMENT = 400;

const DOCUMENTS: Readonly<Record<SplitName, number>> = {
  test: 120,
  validation: 120,
  calibration: 256,
  training: 24_000,
};

export interface Corpus {
  readonly splits: Splits;
  /** How often the training split states a fact, by Fact.index. */
  readonly factCounts: Int32Array; // [facts]
}

let written: Corpus | undefined;

/** Generated at the first call and cached. */
export function tinyWorldCorpus(): Corpus {
  written ??= writeCorpus();
  return written;
}

function writeCorpus(): Corpus {
  const world = tinyWorld();
  const root = createRandom(WORLD_SEED);
  const factCounts = new Int32Array(world.facts.length);
  const countFact = ({ index }: Fact): void => {
    factCounts[index] = present(factCounts[index], 'factCounts[index]') + 1;
  };

  function documents(split: SplitName): DatasetRow[] {
    const tally = split === 'training' ? countFact : (): void => {};
    return Array.from({ length: DOCUMENTS[split] }, (_, index) => {
      const random = root.fork(`${split}/${index}`);
      const parts: string[] = [];
      let length = 0;
      while (length < SHORTEST_DOCUMENT) {
        let ticket = random.integer(100);
        const kind = KINDS.find(({ share }) => (ticket -= share) < 0) as (typeof KINDS)[number];
        const part = kind.write({ random, world, tally });
        parts.push(part);
        length += part.length;
      }
      return { id: `${split}-${String(index).padStart(5, '0')}`, text: parts.join('\n') };
    });
  }
  const splits = {
    test: documents('test'),
    validation: documents('validation'),
    calibration: documents('calibration'),
    training: documents('training'),
  };
  return { splits, factCounts };
}

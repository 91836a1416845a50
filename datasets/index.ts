/** Every dataset of the board, sorted by file name. To add one, write datasets/<id>.ts and list it here. */
import type { DatasetDefinition } from '../contracts/dataset.ts';
import mrpc from './mrpc.ts';
import rte from './rte.ts';
import sst2 from './sst2.ts';
import stsb from './stsb.ts';
import tinystories from './tinystories.ts';
import tinyworldEntailment from './tinyworld-entailment.ts';
import tinyworldFacts from './tinyworld-facts.ts';
import tinyworldGrammar from './tinyworld-grammar.ts';
import tinyworldLastWord from './tinyworld-last-word.ts';
import tinyworld from './tinyworld.ts';
import wikitext2Raw from './wikitext-2-raw.ts';
import wikitext2 from './wikitext-2.ts';

export const datasets: readonly DatasetDefinition[] = [
  mrpc,
  rte,
  sst2,
  stsb,
  tinystories,
  tinyworldEntailment,
  tinyworldFacts,
  tinyworldGrammar,
  tinyworldLastWord,
  tinyworld,
  wikitext2Raw,
  wikitext2,
];

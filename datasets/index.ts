/** Every dataset of the board, sorted by id. To add one, write datasets/<id>.ts and list it here. */
import type { DatasetDefinition } from '../harness/contracts/dataset.ts';
import tinystories from './tinystories.ts';
import wikitext2 from './wikitext-2.ts';

export const datasets: readonly DatasetDefinition[] = [tinystories, wikitext2];

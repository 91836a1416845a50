/** A catalog that fits the rows of rows.ts. */
import type { Catalog } from '../../drizzle/catalog.ts';
import { PRESENT_REVISION, sha256Of } from './rows.ts';

type MethodEntry = Catalog['methods'][number];

export function methodEntryOf(id: string, overrides: Partial<MethodEntry> = {}): MethodEntry {
  return {
    id,
    family: 'quantization',
    access: 'calibrated',
    revision: PRESENT_REVISION,
    description: `What ${id} does.`,
    paper: { title: 'A paper', authors: 'A. Author', year: 2024, url: 'https://example.org/paper' },
    licence: 'Apache-2.0',
    control: false,
    variants: [{ id: 'w4', params: { bits: 4 }, random: false }],
    sourceFile: `methods/quantization/${id}.ts`,
    ...overrides,
  };
}

export function catalogOf(overrides: Partial<Catalog> = {}): Catalog {
  return {
    methods: [
      methodEntryOf('rounding'),
      methodEntryOf('dense', { family: 'control', access: 'data-free', control: true }),
    ],
    models: [
      {
        id: 'tiny',
        title: 'Tiny',
        architecture: 'llama',
        licence: 'MIT',
        citation: 'A. Author, 2024',
        trainedOn: ['stories'],
        revision: sha256Of('revision of tiny'),
      },
    ],
    datasets: [
      {
        id: 'stories',
        title: 'Stories',
        version: '1',
        licence: 'CC-BY',
        citation: 'A. Author, 2023',
        contentHash: sha256Of('stories'),
      },
    ],
    tasks: [
      {
        id: 'stories-perplexity',
        title: 'Perplexity on stories',
        dataset: 'stories',
        metric: 'perplexity',
        higherIsBetter: false,
        description: 'How well the next word of a story is foretold.',
      },
      {
        id: 'story-questions',
        title: 'Questions on stories',
        dataset: 'stories',
        metric: 'choice-accuracy',
        higherIsBetter: true,
        chance: 0.25,
        slices: ['head', 'tail'],
        classes: ['yes', 'no'],
        description: 'Which of four endings is the right one.',
      },
    ],
    ...overrides,
  };
}

/** WikiText-2 as scored in papers on compression: the raw test set as one text, https://arxiv.org/abs/2210.17323. */
import type { DatasetDefinition } from '../contracts/dataset.ts';
import { readHubTable } from './shared/hub-tables.ts';
import { textCell } from './shared/parquet-rows.ts';
import { verifiedSplits } from './shared/verified-splits.ts';

const SOURCE = { repo: 'Salesforce/wikitext', revision: 'b08601e04326c79dfdd32d625aee71d232d685c3' } as const;

/** Sequence length of the papers. */
const LONGEST = 2048;
/** Number of sequences in the sample. */
const SAMPLE = 32;

const definition: DatasetDefinition = {
  id: 'wikitext-2-raw',
  title: 'WikiText-2 raw',
  version: '1',
  licence: 'CC-BY-SA-3.0',
  citation:
    'Stephen Merity, Caiming Xiong, James Bradbury and Richard Socher: Pointer Sentinel Mixture Models, 2016, https://arxiv.org/abs/1609.07843',
  source: { kind: 'hub', ...SOURCE },
  contentHash: '8fe289be0976965d1404cce6316a1bc45ce25b4ae7b1510159246753cf1c7230',
  evaluationOnly: true,
  tasks: [
    {
      id: 'wikitext-2-raw-perplexity',
      title: 'WikiText-2 raw perplexity',
      dataset: 'wikitext-2-raw',
      metric: 'perplexity',
      higherIsBetter: false,
      windows: { longest: LONGEST },
      description:
        'Predict each next token of the whole test set as one text, in sequences of the context length up to 2,048 that do not ' +
        'overlap, as in the papers on GPTQ and SparseGPT.',
    },
    {
      id: 'wikitext-2-raw-sample-perplexity',
      title: 'WikiText-2 raw perplexity, sample',
      dataset: 'wikitext-2-raw',
      metric: 'perplexity',
      higherIsBetter: false,
      windows: { longest: LONGEST },
      limit: SAMPLE,
      description:
        `Predict each next token of ${SAMPLE} sequences of the context length, drawn from those of WikiText-2 raw perplexity: ` +
        'minutes instead of an hour for a model of a hundred million weights on two cores.',
    },
    {
      id: 'wikitext-2-raw-strided-perplexity',
      title: 'WikiText-2 raw perplexity, strided',
      dataset: 'wikitext-2-raw',
      metric: 'perplexity',
      higherIsBetter: false,
      windows: { longest: LONGEST, stride: 512 },
      description:
        'Predict each next token of the whole test set as one text, in sequences of the context length up to 2,048 that begin ' +
        'every 512 tokens, so that all tokens except the first have a long context.',
    },
  ],
  async load(hub) {
    const table = { path: 'wikitext-2-raw-v1/test-00000-of-00001.parquet', rows: 4_358 };
    const { label, rows } = await readHubTable(hub, SOURCE, { table, columns: ['text'] });
    // Each row of the hub's file ends with its own line break.
    const text = rows.map((row) => textCell(row, 'text', label)).join('\n\n');
    return verifiedSplits(definition, {
      test: [{ id: 'test', text }],
      validation: [],
      calibration: [],
      training: [],
    });
  },
};

export default definition;

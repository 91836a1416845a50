/**
 * WikiText-2: good and featured articles of Wikipedia, 60 each for test and validation, 600 for the rest.
 * Merity et al. 2016, https://arxiv.org/abs/1609.07843.
 *
 * The test split is the raw form. Byte-level tokenizers spell out `<unk>` of the other form as ordinary text, and a
 * model fine-tuned on such text learns to expect it; papers report figures of the raw form too. The remaining splits
 * are in the form with `<unk>`.
 */
import type { DatasetDefinition, DatasetRow, HubClient } from '../contracts/dataset.ts';
import { createRandom } from '../numerics/tensor/random.ts';
import { dropRepeatedRows } from './shared/leak-guard.ts';
import { readParquetRows, textCell } from './shared/parquet-rows.ts';
import { verifiedSplits } from './shared/verified-splits.ts';

const REPO = 'Salesforce/wikitext';
const REVISION = 'b08601e04326c79dfdd32d625aee71d232d685c3';

/** Files and their row counts, as the dataset's card states them. */
const TEST = { path: 'wikitext-2-raw-v1/test-00000-of-00001.parquet', rows: 4_358 };
const VALIDATION = { path: 'wikitext-2-v1/validation-00000-of-00001.parquet', rows: 3_760 };
const TRAIN = { path: 'wikitext-2-v1/train-00000-of-00001.parquet', rows: 36_718 };

/**
 * Number of whole articles, several thousand tokens each: enough for any calibration budget, and most remain for
 * training.
 */
const CALIBRATION_ARTICLES = 128;

const definition: DatasetDefinition = {
  id: 'wikitext-2',
  title: 'WikiText-2',
  version: '1',
  licence: 'CC-BY-SA-3.0',
  citation:
    'Stephen Merity, Caiming Xiong, James Bradbury and Richard Socher: Pointer Sentinel Mixture Models, 2016, https://arxiv.org/abs/1609.07843',
  source: { kind: 'hub', repo: REPO, revision: REVISION },
  contentHash: '4c5d621e28ca6d9ee88c60c718674516502703909b90892e4eb9446c1327303b',
  tasks: [
    {
      id: 'wikitext-2-perplexity',
      title: 'WikiText-2 perplexity',
      dataset: 'wikitext-2',
      metric: 'perplexity',
      higherIsBetter: false,
      description:
        'Predict each next token of the beginnings of 60 Wikipedia articles (raw form), each by itself and cut to the context length; ' +
        'not comparable with papers that score windows of the whole text.',
    },
  ],
  async load(hub) {
    const [test, validation, train] = await Promise.all([
      readArticles(hub, TEST, 'test'),
      readArticles(hub, VALIDATION, 'validation'),
      readArticles(hub, TRAIN, 'train'),
    ]);
    const chosen = new Set(createRandom('wikitext-2/calibration').shuffle(train).slice(0, CALIBRATION_ARTICLES));
    const splits = dropRepeatedRows({
      test,
      validation,
      calibration: train.filter((article) => chosen.has(article)),
      training: train.filter((article) => !chosen.has(article)),
    });
    return verifiedSplits(definition, splits);
  },
};

export default definition;

async function readArticles(
  hub: HubClient,
  file: { readonly path: string; readonly rows: number },
  prefix: string,
): Promise<readonly DatasetRow[]> {
  const label = `${REPO}: ${file.path}`;
  const bytes = await hub.file({ kind: 'dataset', repo: REPO, revision: REVISION, path: file.path });
  const rows = await readParquetRows({ bytes, label, columns: ['text'], expectedRows: file.rows });
  return joinArticles(
    rows.map((row) => textCell(row, 'text', label)),
    prefix,
  );
}

/**
 * Groups lines into articles. A title is ` = Title = ` between empty lines; section titles have more signs, and a
 * formula broken over lines may look like a title but is within a paragraph.
 */
export function joinArticles(lines: readonly string[], prefix: string): readonly DatasetRow[] {
  const isTitle = (index: number): boolean =>
    /^ = [^=](.*[^=])? = \n$/.test(lines[index] ?? '') &&
    (lines[index - 1] ?? '') === '' &&
    (lines[index + 1] ?? '') === '';
  const starts = lines.flatMap((_, index) => (isTitle(index) ? [index] : []));
  return starts.map((start, article) => ({
    id: `${prefix}-${String(article).padStart(3, '0')}`,
    text: lines
      .slice(start, starts[article + 1])
      .join('')
      .trim(),
  }));
}

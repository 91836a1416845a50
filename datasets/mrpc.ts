/** MRPC: pairs of news sentences that are paraphrases or not. */
import { defineGlue } from './shared/glue.ts';

export default defineGlue({
  id: 'mrpc',
  title: 'MRPC',
  licence: 'no licence stated; research use',
  citation:
    'William B. Dolan and Chris Brockett: Automatically Constructing a Corpus of Sentential Paraphrases, 2005, https://aclanthology.org/I05-5002/',
  contentHash: '6903f38fdffa07de82ce6ceac51d72a5e57aa934bf8f22dece660f3fa0487b35',
  train: {
    path: 'mrpc/train-00000-of-00001.parquet',
    rows: 3_668,
    sha256: '61fd41301e0e244b0420c4350a170c8e7cf64740335fc875a4af2d79af0df0af',
  },
  test: {
    path: 'mrpc/validation-00000-of-00001.parquet',
    rows: 408,
    sha256: '33c007dbf5bfa8463d87a13e6226df8c0fcf2596c2cd39d0f3bb79754e00f50f',
  },
  columns: ['sentence1', 'sentence2'],
  classes: ['not equivalent', 'equivalent'],
  validation: 366,
  calibration: 600,
  f1: { shareOfClassOne: 279 / 408 },
  description: 'Decide for 408 pairs of news sentences whether the two are paraphrases.',
});

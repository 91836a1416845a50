/** RTE: does a statement follow from a text? Combined from four challenges. */
import { defineGlue } from './shared/glue.ts';

export default defineGlue({
  id: 'rte',
  title: 'RTE',
  licence: 'no licence stated; research use',
  citation:
    'Luisa Bentivogli and others: The Fifth PASCAL Recognizing Textual Entailment Challenge, 2009, https://tac.nist.gov/publications/2009/additional.papers/RTE5_overview.proceedings.pdf',
  contentHash: '1f16c64f7f5a070cee2b82064f44199d6099fd668a9a55cd2dcdb9dc34f6217c',
  train: {
    path: 'rte/train-00000-of-00001.parquet',
    rows: 2_490,
    sha256: 'a6252ab17015d718f6de1effe0980f7b158df63e3d16207cd8bd396b608e5147',
  },
  test: {
    path: 'rte/validation-00000-of-00001.parquet',
    rows: 277,
    sha256: 'fb2aa2e04f551133ba663617a15ae133dc22b0f6a969bc0629b5ea6003ee9cf8',
  },
  columns: ['sentence1', 'sentence2'],
  classes: ['entailment', 'not entailment'],
  validation: 249,
  calibration: 400,
  description: 'Decide for 277 pairs of a text and a statement whether the statement follows from the text.',
});

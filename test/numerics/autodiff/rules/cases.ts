/** The cases of every gradient rule, by rule file and operator (`domain:Op` outside of the standard domain). */
import type { GradientCase } from '../../../support/gradient-check.ts';
import { arithmetic } from './arithmetic.cases.ts';
import { attention } from './attention.cases.ts';
import { functions } from './functions.cases.ts';
import { indexing } from './indexing.cases.ts';
import { layout } from './layout.cases.ts';
import { matmul } from './matmul.cases.ts';
import { normalization } from './normalization.cases.ts';
import { reduce } from './reduce.cases.ts';

export type Cases = Readonly<Record<string, readonly GradientCase[]>>;

export const CASES: Cases = {
  ...arithmetic,
  ...attention,
  ...functions,
  ...indexing,
  ...layout,
  ...matmul,
  ...normalization,
  ...reduce,
};

/**
 * SliceGPT: turns the residual stream between sublayers to its principal components and removes the smallest of them,
 * with the rows and columns that read and write them.
 * Ashkboos et al. 2024, https://arxiv.org/abs/2401.15024, sections 3.2 and 3.3;
 * https://github.com/microsoft/TransformerCompression
 *   Q_s: eigenvectors of Σ x xᵀ with the largest eigenvalues, x the segment of the stream before it is normalised
 * The change of basis, with the matrices Q_sᵀ Q_{s+1} on the residual connections, is
 * methods/shared/surgery/stream-basis.ts. As in the authors' code, the number of features is a multiple of 8.
 * Differs from it: Σ x xᵀ is that of the dense model for all segments; and where the output layer is the transposed
 * embedding, the table stays whole, between two matrices, instead of being stored twice.
 */
import * as v from 'valibot';
import { present } from '../../contracts/present.ts';
import { inputStatistics } from '../../engine/calibrate/input-statistics.ts';
import { defineMethod, type Example } from '../../engine/definitions/method.ts';
import type { Model } from '../../engine/definitions/model.ts';
import { randomHadamard } from '../shared/solvers/random-hadamard.ts';
import { segmentsOf } from '../shared/surgery/pre-norm-stream.ts';
import { principalBasis } from '../shared/surgery/principal-basis.ts';
import { withStreamBases } from '../shared/surgery/stream-basis.ts';
import { type Basis, leadingFeatures } from '../shared/surgery/stream-draft.ts';

/** As in the authors' code. */
const MULTIPLE = 8;

export default defineMethod({
  id: 'slicegpt',
  family: 'pruning',
  access: 'calibrated',
  revision: 1,
  description:
    'Turns the features that pass between the sublayers of a decoder to their principal components and removes the smallest, so that nearly every matrix loses rows or columns. ' +
    'It takes one eigendecomposition for each sublayer and no gradients. Residual connections become matrices, which take back a part of what is saved. ' +
    'The variants -random are controls that turn them at random.',
  paper: {
    title: 'SliceGPT: Compress Large Language Models by Deleting Rows and Columns',
    authors: 'Saleh Ashkboos, Maximilian L. Croci, Marcelo Gennari do Nascimento, Torsten Hoefler, James Hensman',
    year: 2024,
    url: 'https://arxiv.org/abs/2401.15024',
  },
  licence: 'MIT',
  params: v.strictObject({
    keep: v.pipe(
      v.number(),
      v.gtValue(0),
      v.maxValue(1),
      v.description(`Share of the features that stay, rounded down to a multiple of ${MULTIPLE}.`),
    ),
    basis: v.optional(
      v.pipe(v.picklist(['principal', 'random']), v.description('Principal components, or random directions.')),
      'principal',
    ),
  }),
  variants: {
    p90: { keep: 0.9 },
    p80: { keep: 0.8 },
    p75: { keep: 0.75 },
    p70: { keep: 0.7 },
    p60: { keep: 0.6 },
    'p75-random': { keep: 0.75, basis: 'random' },
    p50: { keep: 0.5 },
  },

  async compress(model, { params: { keep, basis }, calibration: { examples }, random, signal, note }) {
    const { width } = model.roles;
    const features = Math.max(MULTIPLE, Math.floor(keep * width) - (Math.floor(keep * width) % MULTIPLE));
    note(`features of the stream: ${features} of ${width}`);
    if (basis === 'principal')
      return withStreamBases(model, await principalBases(model, { features, examples, signal }));
    const bases = segmentsOf(model).map(() => leadingFeatures(randomHadamard(width, random), width, features));
    return withStreamBases(model, bases);
  },
});

/** The principal components of each segment of the stream on these examples. */
export async function principalBases(
  model: Model,
  {
    features,
    examples,
    signal,
  }: { readonly features: number; readonly examples: readonly Example[]; readonly signal: AbortSignal },
): Promise<readonly Basis[]> {
  const { width, layers } = model.roles;
  const segments = segmentsOf(model);
  const { q } = present(layers[0], 'first layer');
  // A segment is observed like the input of a linear layer.
  const linears = segments.map(({ value }) => ({ ...q, role: value, input: value, inFeatures: width }));
  const statistics = await inputStatistics({ model, examples, linears, signal }, ['second-moment']);
  return segments.map(({ value, norm }) => {
    signal.throwIfAborted();
    const moment = present(statistics.get(value), `statistics of ${value}`).of('second-moment');
    return principalBasis(moment, { width, features, centres: norm.centres });
  });
}

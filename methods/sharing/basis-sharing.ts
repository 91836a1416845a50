/**
 * Basis sharing: neighbouring layers share one basis and have their own coefficients. Wang et al. 2024,
 * https://arxiv.org/abs/2410.03765, section 3. With the inputs of n layers stacked, S Sᵀ = X Xᵀ, in the layout [in,
 * out]:
 *   Sᵀ [W⁽¹⁾ … W⁽ⁿ⁾] = U Σ Vᵀ   →   B = S⁻ᵀ U_k Σ_k^½ [in, k],   C⁽ⁱ⁾ = the i-th block of Σ_k^½ Vᵀ_k [k, out]
 * so that W⁽ⁱ⁾ ≈ B C⁽ⁱ⁾, and Σᵢ ‖(W⁽ⁱ⁾ − B C⁽ⁱ⁾) X‖² is the sum of the truncated σ². As in section 3.3, layers that
 * write to the residual stream (o, down) share nothing and are truncated one by one, unless a variant says otherwise.
 * Differs from the paper: X are the inputs in the dense model at every share (the paper recomputes them at high
 * compression), and X Xᵀ is damped on its diagonal.
 */
import * as v from 'valibot';
import { type SecondMoment, secondMoments } from '../../engine/calibrate/second-moments.ts';
import { defineMethod } from '../../engine/definitions/method.ts';
import type { LinearRole, Model } from '../../engine/definitions/model.ts';
import {
  denseRemark,
  type FactoredLinear,
  type Factors,
  keepParameter,
  keepVariants,
  rankFor,
  withFactors,
} from '../shared/solvers/low-rank.ts';
import { dampingParameter, truncateWhitened } from '../shared/solvers/truncate-whitened.ts';

export default defineMethod({
  id: 'basis-sharing',
  family: 'sharing',
  access: 'calibrated',
  revision: 2,
  description:
    'Writes the matrices of neighbouring layers as combinations of one common set of directions, with coefficients of their own, chosen to minimize the error of the layer outputs on calibration text. ' +
    'The directions are stored once for all layers that use them. ' +
    'Embedding, norms and output layer stay as they are.',
  paper: {
    title: 'Basis Sharing: Cross-Layer Parameter Sharing for Large Language Model Compression',
    authors: 'Jingcun Wang, Yu-Guang Chen, Ing-Chao Lin, Bing Li, Grace Li Zhang',
    year: 2024,
    url: 'https://arxiv.org/abs/2410.03765',
  },
  licence: 'Apache-2.0',
  params: v.strictObject({
    keep: v.pipe(
      keepParameter,
      v.description('Share of the parameters of the linear layers that basis and coefficients may take.'),
    ),
    layers: v.optional(
      v.pipe(v.number(), v.integer(), v.minValue(1), v.description('Neighbouring layers that share a basis.')),
      2,
    ),
    share: v.optional(
      v.pipe(
        v.picklist(['readers', 'all']),
        v.description('All layers, or only those that read the residual stream (not o and down), as in the paper.'),
      ),
      'readers',
    ),
    damping: dampingParameter,
  }),
  variants: {
    ...keepVariants,
    'p50-l3': { keep: 0.5, layers: 3 },
    'p50-l5': { keep: 0.5, layers: 5 },
    'p50-all': { keep: 0.5, share: 'all' },
  },

  async compress(model, { params, calibration, signal, note, progress }) {
    const { keep, damping, ...sharing } = params;
    const moments = await secondMoments({ model, examples: calibration.examples, signal });
    const groups = groupsOf(model, sharing);
    const factored: FactoredLinear[] = [];
    const dense: LinearRole[] = [];
    for (const [index, linears] of groups.entries()) {
      signal.throwIfAborted();
      const rank = rankFor(sideBySide(linears), keep);
      if (rank === undefined) dense.push(...linears);
      else {
        const members = linears.map((linear) => ({
          linear,
          weight: model.weight(linear),
          secondMoment: (moments.get(linear.role) as SecondMoment).sum,
        }));
        factored.push(...(await shareBasis(members, { rank, damping })).factored);
      }
      progress((index + 1) / groups.length);
    }
    const remark = denseRemark(dense);
    if (remark !== undefined) note(remark);
    return withFactors(model, factored);
  },
});

/** Groups of layers of the same kind that share a basis, including groups of one. */
export function groupsOf(
  { roles }: Pick<Model, 'roles'>,
  { layers: size, share }: { readonly layers: number; readonly share: 'readers' | 'all' },
): readonly (readonly LinearRole[])[] {
  const chunks = Array.from({ length: Math.ceil(roles.layers.length / size) }, (_, at) =>
    roles.layers.slice(at * size, (at + 1) * size),
  );
  return chunks.flatMap((chunk) => {
    const column = (kind: 'q' | 'k' | 'v' | 'o' | 'gate' | 'up' | 'down') =>
      chunk.map((layer) => layer[kind]).filter((linear) => linear !== undefined);
    const readers = (['q', 'k', 'v', 'gate', 'up'] as const).map(column).filter((group) => group.length > 0);
    const writers = (['o', 'down'] as const).map(column);
    return [...readers, ...(share === 'all' ? writers : writers.flat().map((linear) => [linear]))];
  });
}

/** The shape of [W⁽¹⁾ … W⁽ⁿ⁾]. */
function sideBySide([first, ...others]: readonly LinearRole[]): Pick<LinearRole, 'inFeatures' | 'outFeatures'> {
  const { inFeatures, outFeatures } = first as LinearRole;
  return { inFeatures, outFeatures: outFeatures * (1 + others.length) };
}

export interface Member {
  readonly linear: LinearRole;
  /** [in, out] */
  readonly weight: Float32Array;
  /** X Xᵀ of the layer's inputs, [in, in] */
  readonly secondMoment: Float64Array;
}

/**
 * Factors with one A for all members. `lost` is Σᵢ ‖(W⁽ⁱ⁾ − B C⁽ⁱ⁾) X‖² over the stacked inputs X, the sum of the
 * truncated σ².
 */
export async function shareBasis(
  members: readonly Member[],
  { rank, damping }: { readonly rank: number; readonly damping: number },
): Promise<{ readonly factored: readonly FactoredLinear[]; readonly lost: number }> {
  const shape = sideBySide(members.map(({ linear }) => linear));
  const { inFeatures, outFeatures: columns } = shape;
  const weight = new Float32Array(inFeatures * columns); // [in, n · out]
  const secondMoment = new Float64Array(inFeatures * inFeatures);
  const own = columns / members.length;
  for (const [index, member] of members.entries()) {
    for (let i = 0; i < inFeatures; i++) {
      weight.set(member.weight.subarray(i * own, (i + 1) * own), i * columns + index * own);
    }
    member.secondMoment.forEach((value, at) => (secondMoment[at]! += value));
  }
  const { lost, ...common } = await truncateWhitened({
    weight,
    shape,
    secondMoment,
    damping,
    rank,
    where: members.map(({ linear }) => linear.role).join(', '),
  });
  const basis = `${(members[0] as Member).linear.weight}.basis`;
  const factored = members.map(({ linear }, index) => ({
    linear,
    factors: block(common, { columns, first: index * own, own }),
    ...(members.length > 1 && { basis }),
  }));
  return { factored, lost };
}

/** The columns [first, first + own) of B. */
function block(
  { rank, down, up }: Factors,
  { columns, first, own }: { readonly columns: number; readonly first: number; readonly own: number },
): Factors {
  const part = new Float32Array(rank * own);
  for (let r = 0; r < rank; r++) part.set(up.subarray(r * columns + first, r * columns + first + own), r * own);
  return { rank, down, up: part };
}

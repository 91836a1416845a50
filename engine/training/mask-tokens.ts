/**
 * Masked tokens, the pre-training objective of encoders. Devlin et al. 2019, https://arxiv.org/abs/1810.04805, section
 * 3.1, task 1: of the chosen tokens 80 % become the mask, 10 % a random token, 10 % stay, and all chosen ones are
 * predicted.
 */
import { InputError } from '../../contracts/errors.ts';
import { present } from '../../contracts/present.ts';
import { createRandom } from '../../numerics/tensor/random.ts';
import { elements, tensorOf } from '../../numerics/tensor/tensor.ts';
import type { FeedSource } from './feed-source.ts';

export interface TokenMasking {
  readonly seed: string | number;
  /** Share of the ordinary tokens of each segment that is chosen; the last entry also applies to all later segments. */
  readonly shares: readonly number[];
  /** Token that ends a segment. */
  readonly separator: number;
  readonly mask: number;
  /**
   * Ids from here to the vocabulary's end are ordinary tokens; those below are special, and never chosen or inserted.
   */
  readonly firstOrdinary: number;
  readonly vocabularySize: number;
}

const MASKED = 0.8;
const REPLACED = 0.1;

/**
 * Batches of `input_ids` [batch, sequence] with masked tokens, `targets` and `target_weights` of nextTokenCrossEntropy,
 * and the other inputs of the batches. The choice of tokens is a function of seed and index.
 */
export function maskTokens(batches: FeedSource, options: TokenMasking): FeedSource {
  const { seed, shares, separator, mask, firstOrdinary, vocabularySize } = options;
  if (shares.length === 0 || !shares.every((share) => share > 0 && share <= 1)) {
    throw new InputError(`masked tokens: one share in (0, 1] or more is expected, got [${shares.join(', ')}]`);
  }
  const { shapes } = batches;
  const dims = shapes['input_ids'];
  if (dims === undefined) {
    throw new InputError(
      `masked tokens: batches give [${Object.keys(shapes).join(', ')}], expected input_ids among them`,
    );
  }
  const random = createRandom(`${seed}/masked tokens`);
  return {
    shapes: { ...shapes, targets: dims, target_weights: dims },
    at(index) {
      const { input_ids: inputIds, ...rest } = batches.at(index);
      const targets = elements(inputIds as NonNullable<typeof inputIds>, 'int64');
      const inputs = targets.slice();
      const weights = new Float32Array(inputs.length);
      const draw = random.fork(`batch ${index}`);
      const sequence = present(dims.at(-1), 'last of dims');
      let segment = 0;
      for (const [at, token] of targets.entries()) {
        if (at % sequence === 0) segment = 0;
        if (Number(token) === separator) segment++;
        const share = present(
          shares[Math.min(segment, shares.length - 1)],
          'shares[Math.min(segment,shares.length-1)]',
        );
        if (token < firstOrdinary || draw.next() >= share) continue;
        weights[at] = 1;
        const fate = draw.next();
        if (fate < MASKED) inputs[at] = BigInt(mask);
        else if (fate < MASKED + REPLACED) {
          inputs[at] = BigInt(firstOrdinary + draw.integer(vocabularySize - firstOrdinary));
        }
      }
      return {
        ...rest,
        input_ids: tensorOf('int64', dims, inputs),
        targets: tensorOf('int64', dims, targets.slice()),
        target_weights: tensorOf('float32', dims, weights),
      };
    },
  };
}

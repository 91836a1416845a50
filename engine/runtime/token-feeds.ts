/** Values of a language model's named inputs for given tokens: the only place that knows what the inputs mean. */
import { InputError } from '../../contracts/errors.ts';
import type { Example } from '../definitions/method.ts';
import { type NumericTensor, elementCount, tensorOf } from '../../numerics/tensor/tensor.ts';

/**
 * Tensors for each of `inputs` from token ids, int64 [batch, sequence], without padding; all tokens are in the first
 * segment unless `tokenTypeIds` [batch, sequence] is given. Throws InputError for an input of unknown meaning.
 */
export function tokenFeeds(
  inputs: readonly { readonly name: string }[],
  inputIds: NumericTensor,
  tokenTypeIds: NumericTensor = filled(inputIds.dims, 0n),
): Record<string, NumericTensor> {
  const feeds: Record<string, NumericTensor> = {};
  for (const { name } of inputs) {
    if (name === 'input_ids') feeds[name] = inputIds;
    else if (name === 'attention_mask') feeds[name] = filled(inputIds.dims, 1n);
    else if (name === 'token_type_ids') feeds[name] = tokenTypeIds;
    else {
      throw new InputError(
        `input "${name}" has no known meaning; expected input_ids, attention_mask or token_type_ids, feed others yourself through a session`,
      );
    }
  }
  return feeds;
}

/** Inputs for one example, a batch of 1. */
export function exampleFeeds(
  inputs: readonly { readonly name: string }[],
  { tokens, secondSegment = tokens.length }: Pick<Example, 'tokens' | 'secondSegment'>,
): Record<string, NumericTensor> {
  const row = (values: BigInt64Array): NumericTensor => tensorOf('int64', [1, tokens.length], values);
  const types = row(new BigInt64Array(tokens.length).fill(1n, Math.min(secondSegment, tokens.length)));
  return tokenFeeds(inputs, row(BigInt64Array.from(tokens, BigInt)), types);
}

/** Token ids spread over the vocabulary, int64 [batch, sequence]; the work does not depend on their values. */
export function probeTokens(shape: {
  readonly batch: number;
  readonly sequence: number;
  readonly vocabularySize: number;
}): NumericTensor {
  const { batch, sequence, vocabularySize } = shape;
  const ids = BigInt64Array.from({ length: batch * sequence }, (_, i) => BigInt((i * 7919 + 1) % vocabularySize));
  return tensorOf('int64', [batch, sequence], ids);
}

function filled(dims: readonly number[], value: bigint): NumericTensor {
  return tensorOf('int64', dims, new BigInt64Array(elementCount(dims)).fill(value));
}

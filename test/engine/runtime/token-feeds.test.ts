import { describe, expect, it } from 'vitest';
import { exampleFeeds, tokenFeeds } from '../../../engine/runtime/token-feeds.ts';
import { tokenBatches } from '../../../engine/training/batches.ts';
import { elements, tensorOf } from '../../../numerics/tensor/tensor.ts';

const inputs = ['input_ids', 'attention_mask', 'token_type_ids'].map((name) => ({ name }));
const example = { tokens: Int32Array.of(3, 8, 4, 9, 10, 4), secondSegment: 3, label: 1 };

describe('exampleFeeds', () => {
  it('marks the tokens of a second text', () => {
    const feeds = exampleFeeds(inputs, example);
    expect(feeds['input_ids']).toEqual(tensorOf('int64', [1, 6], BigInt64Array.of(3n, 8n, 4n, 9n, 10n, 4n)));
    expect(feeds['attention_mask']).toEqual(tensorOf('int64', [1, 6], BigInt64Array.of(1n, 1n, 1n, 1n, 1n, 1n)));
    expect(feeds['token_type_ids']).toEqual(tensorOf('int64', [1, 6], BigInt64Array.of(0n, 0n, 0n, 1n, 1n, 1n)));
  });

  it('has one segment by default, and where the second was truncated', () => {
    const zeros = tensorOf('int64', [1, 6], new BigInt64Array(6));
    const { tokens } = example;
    expect(exampleFeeds(inputs, { tokens })['token_type_ids']).toEqual(zeros);
    expect(exampleFeeds(inputs, { tokens, secondSegment: 9 })['token_type_ids']).toEqual(zeros);
    const ids = tensorOf('int64', [2, 2], new BigInt64Array(4));
    expect(tokenFeeds(inputs, ids)['token_type_ids']).toEqual(ids);
    expect(() => tokenFeeds([{ name: 'position_ids' }], ids)).toThrow(/"position_ids" has no known meaning/);
  });
});

describe('tokenBatches', () => {
  it('marks the same tokens in padded rows', () => {
    const examples = { dataset: 'pairs', contentHash: '', examples: [example], tokenCount: 6 };
    const batches = tokenBatches({
      examples,
      batch: 1,
      sequence: 8,
      seed: 0,
      inputs: ['token_type_ids'],
      task: 'classification',
    });
    const types = batches.at(0)['token_type_ids'];
    if (types === undefined) throw new Error('not fed');
    expect([...elements(types, 'int64')].map(Number)).toEqual([0, 0, 0, 1, 1, 1, 0, 0]);
  });
});

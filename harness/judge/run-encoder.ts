/** Runs encoders and embedders for tasks: one text or pair per call. */
import { InputError } from '../../contracts/errors.ts';
import { createMappedSession } from '../../engine/runtime/mapped-session.ts';
import { exampleFeeds } from '../../engine/runtime/token-feeds.ts';
import type { OnnxModel } from '../../numerics/onnx/graph.ts';
import { elements } from '../../numerics/tensor/tensor.ts';
import { type ScoringRun, optionsOf } from './scoring-task.ts';

/** The inputs of one call. */
export interface EncoderInput {
  readonly tokens: Int32Array;
  readonly secondSegment?: number;
}

/** Returns the outputs of the model for an input: class logits, a score, or a vector. */
export type Encode = (input: EncoderInput) => Promise<number[]>;

/**
 * Calls `take` with each item and a function that encodes its texts. Throws InputError for a model without logits [1,
 * width].
 */
export async function forEachEncoded<T extends { readonly id: string }>(
  model: OnnxModel,
  items: readonly T[],
  { signal, onProgress, ...run }: ScoringRun,
  take: (item: T, encode: Encode, index: number) => Promise<void>,
): Promise<void> {
  const { scratch, ...options } = optionsOf(run);
  const session = await createMappedSession(model, { ...options, ...(scratch && { scratch }) });
  try {
    for (const [index, item] of items.entries()) {
      const encode: Encode = async (input) => {
        signal?.throwIfAborted();
        const { logits } = await session.run(exampleFeeds(session.inputs, input), { outputs: ['logits'] });
        if (logits?.dims.length === 2) return Array.from(elements(logits, 'float32'));
        throw new InputError(
          `item ${item.id}: expected an encoder or embedder with logits [1, width], got [${logits?.dims.join(', ')}]`,
        );
      };
      await take(item, encode, index);
      onProgress?.((index + 1) / items.length);
    }
  } finally {
    await session.release();
  }
}

/** The head of an encoder checkpoint, according to config.json's `architectures` and sentence-transformers' files. */
import { UnsupportedError } from '../../../contracts/errors.ts';
import type { EncoderHead, Pooling } from '../transformer/encoder.ts';
import type { ReadOptions } from './architecture.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { ConfigFields } from './config-fields.ts';

export type HeadChoice =
  | { readonly kind: 'classifier'; readonly classes: number }
  | { readonly kind: 'embedding'; readonly pooling: Pooling };

/** Throws UnsupportedError for other heads: masked tokens, spans, token classes. */
export function readHead(config: ConfigFields, { pooling }: ReadOptions): HeadChoice {
  const names = config.words('architectures') ?? [];
  const labels = config.entries('id2label');
  config.ignore('label2id', 'num_labels');
  if (pooling !== undefined) return { kind: 'embedding', pooling };
  if (names.some((name) => name.endsWith('ForSequenceClassification'))) {
    return { kind: 'classifier', classes: labels ?? 2 };
  }
  throw new UnsupportedError(
    `config.json: "architectures" is ${JSON.stringify(names)}; an encoder is built with a head for sequence classification, or as ` +
      'sentence embedding where modules.json and 1_Pooling/config.json are there',
  );
}

/** A classifier on the first position: a dense layer, an activation and the class layer, both with a bias. */
export async function readClassifier(
  checkpoint: Checkpoint,
  { width, classes }: { readonly width: number; readonly classes: number },
  names: { readonly pooler: string; readonly activation: 'tanh' | 'relu'; readonly classifier?: string },
): Promise<EncoderHead> {
  const pooler = await checkpoint.linear(names.pooler, [width, width], { bias: true });
  const classifier = await checkpoint.linear(names.classifier ?? 'classifier', [width, classes], { bias: true });
  return { kind: 'classifier', pooling: 'first', classes, pooler, activation: names.activation, classifier };
}

/** The interface of files in this folder: converts one `model_type` of transformers to a specification and weights. */
import type { DecoderWeights } from '../transformer/decoder.ts';
import type { EncoderHead, EncoderWeights, Pooling } from '../transformer/encoder.ts';
import type { TransformerSpecification } from '../transformer/specification.ts';
import type { Checkpoint, CheckpointNames } from './checkpoint.ts';
import type { ConfigFields } from './config-fields.ts';

export interface ReadOptions {
  /** Context length to which the model is shortened. */
  readonly contextLimit: number;
  /** How last hidden states become a sentence embedding; absent where the model has none. */
  readonly pooling?: Pooling;
}

export type ReadArchitecture =
  | {
      readonly kind: 'decoder';
      readonly specification: TransformerSpecification;
      readonly names: CheckpointNames;
      readonly weights: (checkpoint: Checkpoint) => Promise<DecoderWeights>;
    }
  | {
      readonly kind: 'encoder';
      readonly specification: TransformerSpecification;
      readonly names: CheckpointNames;
      readonly weights: (
        checkpoint: Checkpoint,
      ) => Promise<{ readonly weights: EncoderWeights; readonly head: EncoderHead }>;
    };

export interface Architecture {
  /** `model_type` of config.json. */
  readonly modelType: string;
  readonly kind: 'decoder' | 'encoder';
  /** Throws InputError for an unknown field or an unsupported value. */
  read(config: ConfigFields, options: ReadOptions): ReadArchitecture;
}

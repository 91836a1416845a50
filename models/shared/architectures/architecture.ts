/** What a file of this folder gives: how one `model_type` of transformers is read into a specification and its weights. */
import type { DecoderWeights } from '../transformer/decoder.ts';
import type { EncoderHead, EncoderWeights, Pooling } from '../transformer/encoder.ts';
import type { TransformerSpecification } from '../transformer/specification.ts';
import type { Checkpoint, CheckpointNames } from './checkpoint.ts';
import type { ConfigFields } from './config-fields.ts';

export interface ReadOptions {
  /** Positions the model is cut to where it has more. */
  readonly contextLimit: number;
  /** What a sentence embedding is made of the last hidden states by; absent where the model gives none. */
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
  /** Throws InputError for a field that is unknown or asks for what is not built. */
  read(config: ConfigFields, options: ReadOptions): ReadArchitecture;
}

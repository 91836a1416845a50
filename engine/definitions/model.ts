/** What methods see of a model: an ONNX graph, a tokenizer, and a map from roles to weights. Immutable. */
import type { NumericTensor } from '../../numerics/tensor/tensor.ts';
import type { ModelKind } from '../../contracts/taxonomy.ts';
import type { OnnxModel } from '../../numerics/onnx/graph.ts';
import type { FineTuningRecipe } from './fine-tuning.ts';

/**
 * One linear layer y = x W + b of the network: a MatMul node of the graph, and an Add after it where there is a bias.
 * The weight is stored [in, out] (ONNX MatMul's right operand), the transpose of the papers' W [out, in].
 */
export interface LinearRole {
  /** `layers.0.q`, `layers.3.down`, `head` … */
  readonly role: string;
  /** Name of the MatMul node. */
  readonly node: string;
  /** Name of the initializer [in, out]. */
  readonly weight: string;
  /** Name of the input value, [batch, sequence, in]; [batch, in] for pooler and head of an encoder. */
  readonly input: string;
  /** Name of the MatMul's output value, before any bias. */
  readonly output: string;
  /** Name of the initializer [out] added to the output; absent without bias. */
  readonly bias?: string;
  readonly inFeatures: number;
  readonly outFeatures: number;
}

export interface LayerRoles {
  readonly q: LinearRole;
  readonly k: LinearRole;
  readonly v: LinearRole;
  readonly o: LinearRole;
  /** Only where the feed-forward block is gated (SwiGLU). */
  readonly gate?: LinearRole;
  readonly up: LinearRole;
  readonly down: LinearRole;
  /** Only where they differ from the model's: see headsOfLayer. */
  readonly heads?: number;
  readonly keyValueHeads?: number;
  /** Values [batch, sequence, width] at the input and output of the layer (the residual stream). */
  readonly input: string;
  readonly output: string;
}

export interface RoleMap {
  /** Features of the residual stream. q is [width, heads · head width]; a head's width need not be width / heads. */
  readonly width: number;
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly layers: readonly LayerRoles[];
  /** The token embedding: initializer [vocabulary, width] and the Gather node that reads it. */
  readonly embedding: { readonly weight: string; readonly node: string };
  /** Learned positions: initializer [context, width] and the Gather node that reads it; absent where none are learned. */
  readonly positions?: { readonly weight: string; readonly node: string };
  /** Segment embedding of an encoder: initializer [segments, width] and the Gather node that reads it. */
  readonly segments?: { readonly weight: string; readonly node: string };
  /** Encoders: the layer between the first token's last hidden state and the head. */
  readonly pooler?: LinearRole;
  /** The output layer (of an encoder: the classifier); absent when it is the transposed embedding. */
  readonly head?: LinearRole;
}

export interface Tokenizer {
  readonly vocabularySize: number;
  /** First token of every input of a decoder; absent where the model was trained without one. */
  readonly beginOfSequence?: number;
  readonly endOfSequence?: number;
  /** Precedes a text without context where inputs have no first token; default: the end of a sequence. */
  readonly emptyContext?: number;
  /** First token of an encoder's input. */
  readonly classification?: number;
  /** Last token of each segment of an encoder's input. */
  readonly separator?: number;
  /** Tokens between two segments, where these are not one separator. */
  readonly segmentBreak?: readonly number[];
  readonly padding?: number;
  readonly mask?: number;
  /** Token ids of `text`, special tokens not added. */
  encode(text: string): Int32Array;
  decode(tokens: ArrayLike<number>): string;
}

export interface Model {
  readonly id: string;
  /** The family of networks: `model_type` of config.json in transformers. */
  readonly architecture: string;
  readonly kind: ModelKind;
  /**
   * Decoders: input `input_ids` int64 [batch, sequence], output `logits` float32 [batch, sequence, vocabulary].
   * Encoders: also input `attention_mask` int64 [batch, sequence], 0 where padding, and where the network tells two texts apart
   * `token_type_ids` int64 [batch, sequence], 1 at the tokens of the second; output `logits` [batch, classes].
   * Embedders: inputs of an encoder; output `logits` [batch, width] holds the embedding, of unit length.
   */
  readonly onnx: OnnxModel;
  readonly roles: RoleMap;
  readonly contextLength: number;
  /** The linear layers of all blocks in the order of data flow, without output layer, pooler and embedding. */
  readonly linears: readonly LinearRole[];
  /**
   * The float32 weight of a linear layer, [in, out] row-major. Throws InputError when the weight was replaced by
   * another form.
   */
  weight(linear: LinearRole): Float32Array;
  /** This model with one linear layer's weight replaced by a float32 tensor of the same shape. */
  withWeight(linear: LinearRole, weight: NumericTensor): Model;
  /** This model with another graph. Roles refer to nodes by name, so reading weights after a rename fails. */
  withOnnx(onnx: OnnxModel): Model;
}

/** One entry of models/index.ts. */
export interface ModelDefinition {
  /** = file name. */
  readonly id: string;
  readonly title: string;
  readonly architecture: string;
  readonly kind: ModelKind;
  readonly licence: string;
  readonly citation: string;
  /** Published quality of the model, where known. */
  readonly card?: string;
  /** Context length to which the model is shortened; part of the model's identity. Absent where it is not shortened. */
  readonly contextLimit?: number;
  /** Where the weights come from. */
  readonly source:
    | {
        readonly kind: 'hub';
        readonly repo: string;
        readonly revision: string;
        /** For a file without a hash, the revision and the hub's own hash identify it. */
        readonly files: readonly (Pick<HubFile, 'path'> & Partial<HubFile>)[];
      }
    /** A folder on this machine; its path is not part of the model's identity. */
    | { readonly kind: 'folder'; readonly path: string; readonly files: readonly HubFile[] }
    /** Made on this machine on first use; `path` is its folder, absent until it is made. */
    | {
        readonly kind: 'fine-tuned';
        readonly base: ModelDefinition;
        readonly recipe: FineTuningRecipe;
        readonly path?: string;
        /** Hash of the result if it was made on this machine; otherwise of the published result, if there is one. */
        readonly files: readonly HubFile[];
      }
    | { readonly kind: 'embedded'; readonly files: readonly { readonly path: string; readonly sha256: string }[] };
  /** Datasets the weights were trained on. */
  readonly trainedOn: readonly string[];
  /** Of those, the datasets whose test items were trained on too: quality on them is labelled in-sample. */
  readonly testItemsSeen: readonly string[];
  readonly tokenizer: (files: ModelFiles) => Promise<Tokenizer>;
  readonly build: (files: ModelFiles) => Promise<Model>;
  /**
   * A smaller dense model of the same kind and tokenizer, trained in the same way: a compressed model of its size
   * should beat it.
   */
  readonly smaller?: (files: ModelFiles) => Promise<Model>;
}

export interface HubFile {
  readonly path: string;
  readonly sha256: string;
  readonly sizeBytes: number;
}

/** Reads the files of a model's source, fetched and verified. */
export interface ModelFiles {
  /** Whether the source lists this file. */
  has(path: string): boolean;
  /** The whole file. Throws InputError where the source does not list it or it is larger than `maxBytes`. */
  read(path: string, limits?: { readonly maxBytes?: number }): Promise<Uint8Array>;
  /** The file for reading in ranges; the caller closes it. Throws InputError where the source does not list it. */
  open(path: string): Promise<RandomAccessFile>;
}

export interface RandomAccessFile {
  /** Names the file in messages. */
  readonly label: string;
  readonly sizeBytes: number;
  /** Bytes [start, end); throws InputError where the file has become shorter. */
  read(start: number, end: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

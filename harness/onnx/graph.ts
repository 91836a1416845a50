/**
 * The ONNX graph as immutable data. An edit returns a new graph that shares whatever it did not change.
 * Field for field the messages of onnx.proto (https://onnx.ai/onnx/repo-docs/IR.html); names follow it where they are good.
 */
import type { Tensor } from '../tensor/tensor.ts';
import type { DType } from '../tensor/dtype.ts';

/** Protobuf fields of a newer onnx.proto, kept as they came so that writing gives them back. */
export interface UnknownField {
  readonly number: number;
  readonly wireType: number;
  readonly bytes: Uint8Array;
}

/** A dimension: a length, a symbol such as `batch`, or unknown. */
export type Dim = number | string | undefined;

export type ValueType =
  | {
      readonly kind: 'tensor';
      readonly dtype: DType | undefined;
      readonly dims: readonly Dim[] | undefined;
      readonly denotations?: readonly string[];
    }
  | {
      readonly kind: 'sparse-tensor';
      readonly dtype: DType | undefined;
      readonly dims: readonly Dim[] | undefined;
      readonly denotations?: readonly string[];
    }
  | { readonly kind: 'sequence'; readonly element: ValueType | undefined }
  | { readonly kind: 'optional'; readonly element: ValueType | undefined }
  | { readonly kind: 'map'; readonly key: DType | undefined; readonly value: ValueType | undefined }
  | { readonly kind: 'opaque'; readonly domain: string; readonly name: string };

export interface ValueInfo {
  readonly name: string;
  readonly type: ValueType | undefined;
  readonly typeDenotation?: string;
  readonly doc?: string;
  readonly metadata?: ReadonlyMap<string, string>;
  readonly unknown?: readonly UnknownField[];
}

export interface SparseTensor {
  readonly name: string;
  /** Shape of the dense tensor it stands for. */
  readonly dims: readonly number[];
  /** [nnz] */
  readonly values: Tensor;
  /** int64, [nnz] of flat positions or [nnz, rank] */
  readonly indices: Tensor;
}

export type Attribute =
  | { readonly type: 'float'; readonly value: number }
  | { readonly type: 'int'; readonly value: bigint }
  | { readonly type: 'string'; readonly value: Uint8Array }
  | { readonly type: 'tensor'; readonly value: Tensor }
  | { readonly type: 'graph'; readonly value: Graph }
  | { readonly type: 'sparse-tensor'; readonly value: SparseTensor }
  | { readonly type: 'type'; readonly value: ValueType }
  | { readonly type: 'floats'; readonly value: readonly number[] }
  | { readonly type: 'ints'; readonly value: readonly bigint[] }
  | { readonly type: 'strings'; readonly value: readonly Uint8Array[] }
  | { readonly type: 'tensors'; readonly value: readonly Tensor[] }
  | { readonly type: 'graphs'; readonly value: readonly Graph[] }
  | { readonly type: 'sparse-tensors'; readonly value: readonly SparseTensor[] }
  | { readonly type: 'types'; readonly value: readonly ValueType[] }
  /** Inside a function body: the value is that of the calling node's attribute `value`. */
  | { readonly type: 'reference'; readonly value: string; readonly of: string };

export interface Node {
  readonly op: string;
  /** '' is the standard domain. */
  readonly domain: string;
  /** Unique within a graph built or edited here; files may leave it empty. */
  readonly name: string;
  /** Names of values; '' stands for an optional input left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, Attribute>;
  readonly overload?: string;
  readonly doc?: string;
  readonly metadata?: ReadonlyMap<string, string>;
  readonly unknown?: readonly UnknownField[];
}

export interface Graph {
  readonly name: string;
  /** In an order in which every value is made before it is used. */
  readonly nodes: readonly Node[];
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  /** Weights, by name. */
  readonly initializers: ReadonlyMap<string, Tensor>;
  readonly sparseInitializers: readonly SparseTensor[];
  /** Types of values in between, as far as the file states them. */
  readonly valueInfo: readonly ValueInfo[];
  readonly doc?: string;
  readonly metadata?: ReadonlyMap<string, string>;
  readonly unknown?: readonly UnknownField[];
}

export interface OnnxFunction {
  readonly domain: string;
  readonly name: string;
  readonly overload?: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Attributes without a default. */
  readonly attributeNames: readonly string[];
  readonly attributeDefaults: ReadonlyMap<string, Attribute>;
  readonly nodes: readonly Node[];
  readonly opsets: ReadonlyMap<string, number>;
  readonly valueInfo: readonly ValueInfo[];
  readonly doc?: string;
  readonly metadata?: ReadonlyMap<string, string>;
  readonly unknown?: readonly UnknownField[];
}

/** A whole ONNX file: ModelProto. */
export interface OnnxModel {
  readonly irVersion: number;
  /** Operator-set version by domain; '' is the standard domain. */
  readonly opsets: ReadonlyMap<string, number>;
  readonly producerName: string;
  readonly producerVersion: string;
  readonly domain: string;
  readonly modelVersion: bigint;
  readonly graph: Graph;
  readonly functions: readonly OnnxFunction[];
  readonly doc?: string;
  readonly metadata?: ReadonlyMap<string, string>;
  readonly unknown?: readonly UnknownField[];
}

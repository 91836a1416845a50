/**
 * The ONNX graph as immutable data. An edit returns a new graph that shares all unchanged parts.
 * It mirrors the messages of onnx.proto (https://onnx.ai/onnx/repo-docs/IR.html) field by field, mostly with the same
 * names.
 */
import type { Tensor } from '../tensor/tensor.ts';
import type { DType } from '../tensor/dtype.ts';

/**
 * A protobuf field that this graph does not represent, kept as bytes so that writing restores it: fields of a newer
 * onnx.proto, training_info, and device configurations.
 */
export interface UnknownField {
  readonly number: number;
  readonly wireType: number;
  /** The bytes that follow the tag on the wire; length-delimited fields include their length. */
  readonly bytes: Uint8Array;
}

/** Metadata that any part of a file may carry. */
export interface Annotations {
  readonly doc?: string;
  readonly metadata?: ReadonlyMap<string, string>;
  readonly unknown?: readonly UnknownField[];
}

/** A tensor as stored in a file. `name` is set only where no map key holds it. */
export type OnnxTensor = Tensor & Annotations & { readonly name?: string };

/** A dimension: a length, a symbol such as `batch`, or unknown. */
export type Dim = number | string | undefined;

/** Unknown fields of the messages inside a TypeProto, by the message that contained them. */
export interface TypeAnnotations {
  /** https://github.com/onnx/onnx/blob/main/docs/TypeDenotation.md */
  readonly denotation?: string;
  readonly unknown?: readonly UnknownField[];
  /** Unknown fields of the message for the kind: TypeProto.Tensor, TypeProto.Sequence, … */
  readonly kindUnknown?: readonly UnknownField[];
  readonly shapeUnknown?: readonly UnknownField[];
  /** One entry per dimension. */
  readonly dimUnknown?: readonly (readonly UnknownField[])[];
}

interface ArrayType {
  readonly dtype: DType | undefined;
  /** Code of an element type that is not in DTYPES, with `dtype` undefined. */
  readonly unknownCode?: number;
  /** Undefined when not even the rank is known. */
  readonly dims: readonly Dim[] | undefined;
  /** One entry per dimension. https://github.com/onnx/onnx/blob/main/docs/DimensionDenotation.md */
  readonly denotations?: readonly string[];
}

export type ValueType = TypeAnnotations &
  (
    | ({ readonly kind: 'tensor' } & ArrayType)
    | ({ readonly kind: 'sparse-tensor' } & ArrayType)
    | { readonly kind: 'sequence'; readonly element: ValueType | undefined }
    | { readonly kind: 'optional'; readonly element: ValueType | undefined }
    | {
        readonly kind: 'map';
        readonly key: DType | undefined;
        readonly unknownCode?: number;
        readonly value: ValueType | undefined;
      }
    | { readonly kind: 'opaque'; readonly domain: string; readonly name: string }
    /** A TypeProto that states no type. */
    | { readonly kind: 'unstated' }
  );

export interface ValueInfo extends Annotations {
  readonly name: string;
  readonly type: ValueType | undefined;
}

export interface SparseTensor {
  readonly name: string;
  /** Shape of the dense tensor it represents. */
  readonly dims: readonly number[];
  /** [nnz] */
  readonly values: OnnxTensor;
  /** int64, [nnz] of flat positions or [nnz, rank] */
  readonly indices: OnnxTensor;
  readonly unknown?: readonly UnknownField[];
}

export type Attribute = AttributeValue & Pick<Annotations, 'doc' | 'unknown'>;

export type AttributeType = Exclude<AttributeValue['type'], 'reference'>;

type AttributeValue =
  | { readonly type: 'float'; readonly value: number }
  | { readonly type: 'int'; readonly value: bigint }
  | { readonly type: 'string'; readonly value: Uint8Array }
  | { readonly type: 'tensor'; readonly value: OnnxTensor }
  | { readonly type: 'graph'; readonly value: Graph }
  | { readonly type: 'sparse-tensor'; readonly value: SparseTensor }
  | { readonly type: 'type'; readonly value: ValueType }
  | { readonly type: 'floats'; readonly value: readonly number[] }
  | { readonly type: 'ints'; readonly value: readonly bigint[] }
  | { readonly type: 'strings'; readonly value: readonly Uint8Array[] }
  | { readonly type: 'tensors'; readonly value: readonly OnnxTensor[] }
  | { readonly type: 'graphs'; readonly value: readonly Graph[] }
  | { readonly type: 'sparse-tensors'; readonly value: readonly SparseTensor[] }
  | { readonly type: 'types'; readonly value: readonly ValueType[] }
  /** Inside a function body: refers to the calling node's attribute `value`, of the type `of`. */
  | { readonly type: 'reference'; readonly value: string; readonly of: AttributeType };

export interface Node extends Annotations {
  readonly op: string;
  /** '' is the standard domain. */
  readonly domain: string;
  /** Unique within a graph built or edited here; files may leave it empty. */
  readonly name: string;
  /** Names of values; '' stands for an omitted optional input. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, Attribute>;
  readonly overload?: string;
}

/** Names of the initializers that hold scale and zero point of a quantized value. */
export interface QuantizationAnnotation {
  readonly value: string;
  /** `SCALE_TENSOR`, `ZERO_POINT_TENSOR` → name of an initializer. */
  readonly parameters: ReadonlyMap<string, string>;
  readonly unknown?: readonly UnknownField[];
}

export interface Graph extends Annotations {
  readonly name: string;
  /** In topological order. */
  readonly nodes: readonly Node[];
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  /** Weights, by name. */
  readonly initializers: ReadonlyMap<string, OnnxTensor>;
  readonly sparseInitializers: readonly SparseTensor[];
  /** Types of intermediate values, as far as the file states them. */
  readonly valueInfo: readonly ValueInfo[];
  readonly quantizationAnnotations?: readonly QuantizationAnnotation[];
}

export interface OnnxFunction extends Annotations {
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
}

/** A whole ONNX file: ModelProto. */
export interface OnnxModel extends Annotations {
  readonly irVersion: number;
  /** Operator-set version by domain; '' is the standard domain. */
  readonly opsets: ReadonlyMap<string, number>;
  readonly producerName: string;
  readonly producerVersion: string;
  readonly domain: string;
  readonly modelVersion: bigint;
  readonly graph: Graph;
  readonly functions: readonly OnnxFunction[];
}

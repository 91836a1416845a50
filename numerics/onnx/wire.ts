/** Helpers for the protobuf wire format. https://protobuf.dev/programming-guides/encoding/ */
import { create, type DescMessage, type Message, type MessageInitShape, type MessageShape } from '@bufbuild/protobuf';
import type { UnknownField } from './graph.ts';

/** A varint of a non-negative integer up to 2^53. */
export function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

/** Tag and length that precede the bytes of a length-delimited field. */
export function lengthDelimitedHead(fieldNumber: number, length: number): Uint8Array {
  return concat([varint(fieldNumber * 8 + 2), varint(length)]);
}

export function concat(chunks: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(totalLength(chunks));
  let position = 0;
  for (const chunk of chunks) {
    joined.set(chunk, position);
    position += chunk.byteLength;
  }
  return joined;
}

export function totalLength(chunks: readonly Uint8Array[]): number {
  return chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
}

/** An encoded message as an unknown field. */
export function carriedMessage(fieldNumber: number, encoded: Uint8Array): UnknownField {
  return { number: fieldNumber, wireType: 2, bytes: concat([varint(encoded.byteLength), encoded]) };
}

/** A message of the fields that are not undefined. */
export function compose<Schema extends DescMessage>(
  schema: Schema,
  fields: { readonly [K in keyof MessageInitShape<Schema>]: MessageInitShape<Schema>[K] | undefined },
): MessageShape<Schema> {
  return create(schema, fields as MessageInitShape<Schema>);
}

/** Passes `unknown` to protobuf-es, which writes it after the known fields. */
export function withUnknown<M extends Message>(message: M, unknown: readonly UnknownField[] | undefined): M {
  if (unknown !== undefined && unknown.length > 0) {
    message.$unknown = unknown.map(({ number, wireType, bytes }) => ({ no: number, wireType, data: bytes }));
  }
  return message;
}

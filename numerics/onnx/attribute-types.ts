/** Attribute types by the codes of AttributeProto.AttributeType. */
import type { AttributeType } from './graph.ts';

export const ATTRIBUTE_TYPE_CODES = {
  float: 1,
  int: 2,
  string: 3,
  tensor: 4,
  graph: 5,
  floats: 6,
  ints: 7,
  strings: 8,
  tensors: 9,
  graphs: 10,
  'sparse-tensor': 11,
  'sparse-tensors': 12,
  type: 13,
  types: 14,
} as const satisfies Record<AttributeType, number>;

const byCode = new Map<number, AttributeType>(
  Object.entries(ATTRIBUTE_TYPE_CODES).map(([name, code]) => [code, name as AttributeType]),
);

export function attributeTypeOfCode(code: number): AttributeType | undefined {
  return byCode.get(code);
}

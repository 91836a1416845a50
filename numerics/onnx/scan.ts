/**
 * Checks the wire format of a file against onnx.proto before decoding: every length fits into the enclosing message,
 * every known field has its wire type, strings are UTF-8, and nesting and counts are within the limits. protobuf-es is
 * lenient (it reads a field of another wire type anyway), so a damaged file could be read as something else.
 */
import { type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';
import { InputError } from '../../contracts/errors.ts';
import { present } from '../../contracts/present.ts';
import { DECODED_BYTES, MAX_DECODED_BYTES, MAX_NESTING_DEPTH } from './limits.ts';

const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const GROUP_START = 3;
const GROUP_END = 4;
const FIXED32 = 5;

/** Maximum bytes of a varint: ten hold 64 bits. https://protobuf.dev/programming-guides/encoding/#varints */
const MAX_VARINT_BYTES = 10;

interface FieldRule {
  readonly name: string;
  readonly wireType: number;
  /** Wire type of the elements of fields that may also be packed. */
  readonly packable: boolean;
  readonly message: DescMessage | undefined;
  readonly text: boolean;
}

function wireTypeOf(type: ScalarType): number {
  switch (type) {
    case ScalarType.FLOAT:
    case ScalarType.FIXED32:
    case ScalarType.SFIXED32:
      return FIXED32;
    case ScalarType.DOUBLE:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return FIXED64;
    case ScalarType.STRING:
    case ScalarType.BYTES:
      return LENGTH_DELIMITED;
    default:
      return VARINT;
  }
}

function ruleOf(field: DescField): FieldRule {
  const scalar = field.scalar;
  const wireType = field.message ? LENGTH_DELIMITED : scalar === undefined ? VARINT : wireTypeOf(scalar);
  return {
    name: field.name,
    wireType,
    packable: field.fieldKind === 'list' && wireType !== LENGTH_DELIMITED,
    message: field.message,
    text: scalar === ScalarType.STRING,
  };
}

const rulesByMessage = new WeakMap<DescMessage, ReadonlyMap<number, FieldRule>>();

function rulesOf(message: DescMessage): ReadonlyMap<number, FieldRule> {
  let rules = rulesByMessage.get(message);
  if (rules === undefined) {
    rules = new Map(message.fields.map((field) => [field.number, ruleOf(field)]));
    rulesByMessage.set(message, rules);
  }
  return rules;
}

const strictDecoder = new TextDecoder('utf-8', { fatal: true });

function isUtf8(bytes: Uint8Array, start: number, end: number): boolean {
  let ascii = true;
  for (let i = start; i < end; i++) {
    if (present(bytes[i], 'bytes[i]') > 0x7f) {
      ascii = false;
      break;
    }
  }
  if (ascii) return true;
  try {
    strictDecoder.decode(bytes.subarray(start, end));
    return true;
  } catch {
    return false;
  }
}

/**
 * Throws InputError with the byte position when `bytes` are not a well-formed message of this type within the limits.
 */
export function scanMessage(root: DescMessage, bytes: Uint8Array, where: string): void {
  let position = 0;
  let decodedBytes = 0;
  const path: string[] = [root.name];

  function fail(problem: string): never {
    throw new InputError(
      `${where}: not a valid ONNX file: ${problem} at byte ${position} of ${bytes.byteLength}, in ${path.join('.')}; ` +
        'the file may be truncated or damaged',
    );
  }

  /** A varint's value when it fits in 53 bits, else Infinity. */
  function varint(end: number): number {
    let value = 0;
    let factor = 1;
    for (let count = 0; count < MAX_VARINT_BYTES; count++) {
      if (position >= end) fail('a number is cut off');
      const byte = present(bytes[position++], 'bytes[position++]');
      value += (byte & 0x7f) * factor;
      factor *= 0x80;
      if (byte < 0x80) return value <= Number.MAX_SAFE_INTEGER ? value : Infinity;
    }
    return fail(`a number has more than ${MAX_VARINT_BYTES} bytes`);
  }

  function skipBytes(count: number, end: number): void {
    if (count > end - position) fail(`${count} bytes announced, ${end - position} left`);
    position += count;
  }

  function take(bytes: number): void {
    decodedBytes += bytes;
    if (decodedBytes > MAX_DECODED_BYTES) {
      fail(`decoding would take more than ${MAX_DECODED_BYTES} bytes of memory beside raw_data`);
    }
  }

  function scanPacked(wireType: number, end: number): void {
    if (wireType === VARINT) {
      while (position < end) {
        varint(end);
        take(DECODED_BYTES.packedInteger);
      }
      return;
    }
    const width = wireType === FIXED32 ? 4 : 8;
    if ((end - position) % width !== 0) fail(`packed numbers of ${width} bytes take ${end - position} bytes`);
    take(((end - position) / width) * DECODED_BYTES.packedFloat);
    position = end;
  }

  function scanValue(wireType: number, end: number, depth: number, fieldNumber: number): void {
    if (wireType === VARINT) varint(end);
    else if (wireType === FIXED64) skipBytes(8, end);
    else if (wireType === FIXED32) skipBytes(4, end);
    else if (wireType === LENGTH_DELIMITED) skipBytes(varint(end), end);
    else if (wireType === GROUP_START) scanGroup(fieldNumber, end, depth + 1);
    else fail(`field ${fieldNumber} has wire type ${wireType}`);
  }

  function readTag(end: number): { readonly fieldNumber: number; readonly wireType: number } {
    const tag = varint(end);
    const fieldNumber = Math.floor(tag / 8);
    if (fieldNumber < 1 || fieldNumber >= 2 ** 29) fail(`field number ${fieldNumber} does not exist`);
    return { fieldNumber, wireType: tag % 8 };
  }

  /** A group, a form of nesting that ONNX does not use: only inside unknown fields. */
  function scanGroup(groupNumber: number, end: number, depth: number): void {
    if (depth > MAX_NESTING_DEPTH) fail(`nested deeper than ${MAX_NESTING_DEPTH}`);
    for (;;) {
      take(DECODED_BYTES.field);
      const { fieldNumber, wireType } = readTag(end);
      if (wireType === GROUP_END) {
        if (fieldNumber !== groupNumber) fail(`group ${groupNumber} is ended by ${fieldNumber}`);
        return;
      }
      scanValue(wireType, end, depth, fieldNumber);
    }
  }

  function scan(message: DescMessage, end: number, depth: number): void {
    if (depth > MAX_NESTING_DEPTH) fail(`nested deeper than ${MAX_NESTING_DEPTH}`);
    take(DECODED_BYTES.message);
    const rules = rulesOf(message);
    while (position < end) {
      take(DECODED_BYTES.field);
      const { fieldNumber, wireType } = readTag(end);
      const rule = rules.get(fieldNumber);
      if (rule === undefined) {
        scanValue(wireType, end, depth, fieldNumber);
        continue;
      }
      const packed = rule.packable && wireType === LENGTH_DELIMITED;
      if (wireType !== rule.wireType && !packed) {
        fail(`field ${rule.name} has wire type ${wireType}, expected ${rule.wireType}`);
      }
      if (wireType !== LENGTH_DELIMITED) {
        scanValue(wireType, end, depth, fieldNumber);
        continue;
      }
      const length = varint(end);
      const start = position;
      skipBytes(length, end);
      if (rule.message !== undefined || packed) {
        position = start;
        path.push(rule.name);
        if (rule.message === undefined) scanPacked(rule.wireType, start + length);
        else scan(rule.message, start + length, depth + 1);
        path.pop();
      } else if (rule.text && !isUtf8(bytes, start, position)) {
        fail(`field ${rule.name} is not UTF-8`);
      }
    }
  }

  scan(root, bytes.byteLength, 1);
}

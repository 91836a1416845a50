import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../../contracts/errors.ts';
import { createGraphBuilder } from '../../../numerics/onnx/builder.ts';
import { concat, lengthDelimitedHead, varint } from '../../../numerics/onnx/wire.ts';
import { readModel } from '../../../numerics/onnx/read.ts';
import { writeModel } from '../../../numerics/onnx/write.ts';
import { createRandom, type Random } from '../../../numerics/tensor/random.ts';
import { loadNodeCases } from './node-cases.ts';

const golden = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(new URL(`../../golden/onnx/${name}`, import.meta.url)));

const LENGTH_BYTES = [0x00, 0x01, 0x7f, 0x80, 0xff];

/** One damage of each kind the reader must bear: flipped bits, a cut, a splice, another length byte, bytes put in or taken out. */
function mutate(random: Random, bytes: Uint8Array, other: Uint8Array): Uint8Array {
  const at = random.integer(Math.max(bytes.length, 1));
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
  switch (random.integer(6)) {
    case 0: {
      const flipped = bytes.slice();
      for (let count = random.integer(4); count >= 0; count--) {
        const place = random.integer(bytes.length);
        flipped[place] = (flipped[place] as number) ^ (1 << random.integer(8));
      }
      return flipped;
    }
    case 1:
      return before.slice();
    case 2:
      return concat([before, other.subarray(random.integer(other.length))]);
    case 3:
      return bytes.with(at, LENGTH_BYTES[random.integer(LENGTH_BYTES.length)] as number);
    case 4:
      return concat([before, Uint8Array.from({ length: random.integer(32) }, () => random.integer(256)), after]);
    default:
      return concat([before, after.subarray(random.integer(32))]);
  }
}

describe('readModel on damaged files', () => {
  it('returns a valid model or an InputError for 2,000 seeded mutations', () => {
    const random = createRandom('onnx mutations');
    // The two dense files hold most of the format, so they are drawn as often as all node cases together.
    const dense = [golden('everything.onnx'), golden('tensors.onnx')];
    const cases = loadNodeCases().map(({ model }) => model);
    const draw = (): Uint8Array => {
      const from = random.integer(2) === 0 ? dense : cases;
      return from[random.integer(from.length)] as Uint8Array;
    };
    let valid = 0;
    let refused = 0;
    for (let round = 0; round < 2000; round++) {
      const bytes = mutate(random, draw(), draw());
      let model: ReturnType<typeof readModel>;
      try {
        model = readModel(bytes);
      } catch (error) {
        if (!(error instanceof InputError)) throw error;
        refused++;
        continue;
      }
      expect(isDeepStrictEqual(readModel(writeModel(model)), model), `round ${round}`).toBe(true);
      valid++;
    }
    expect(valid + refused).toBe(2000);
    expect(Math.min(valid, refused)).toBeGreaterThan(100);
  });
});

/** Fields of a message from [number, bytes | number] pairs. */
function message(...fields: readonly (readonly [number, Uint8Array | number])[]): Uint8Array {
  return concat(
    fields.flatMap(([number, value]) =>
      typeof value === 'number'
        ? [varint(number * 8), varint(value)]
        : [lengthDelimitedHead(number, value.byteLength), value],
    ),
  );
}
const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const withInitializer = (...tensor: readonly (readonly [number, Uint8Array | number])[]): Uint8Array =>
  message([7, message([5, message([8, text('w')], ...tensor)])]);
const withAttribute = (...attribute: readonly (readonly [number, Uint8Array | number])[]): Uint8Array =>
  message([7, message([1, message([5, message([1, text('a')], ...attribute)])])]);

function nested(depth: number): Uint8Array {
  let graph = message([2, text('innermost')]);
  for (let level = 0; level < depth; level++) {
    graph = message([1, message([5, message([1, text('body')], [6, graph], [20, 5])])]);
  }
  return message([7, graph]);
}

describe('readModel refuses, with position and reason,', () => {
  const [FLOAT, STRING] = [1, 8];
  const negativeOne = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01);
  const rows: readonly (readonly [string, Uint8Array, RegExp])[] = [
    ['no bytes', new Uint8Array(0), /0 bytes without a graph/],
    ['a text file', text('# hello, this is no model\n'), /not a valid ONNX file/],
    [
      'a length past the end',
      Uint8Array.of(0x3a, 0x7f, 0x01),
      /127 bytes announced, 1 left at byte 2 of 3, in ModelProto/,
    ],
    ['a number without end', new Uint8Array(12).fill(0xff), /more than 10 bytes/],
    ['a field of another wire type', Uint8Array.of(0x0a, 0x00), /field ir_version has wire type 2, expected 0/],
    ['a text that is not UTF-8', message([2, Uint8Array.of(0xc3, 0x28)]), /producer_name is not UTF-8/],
    ['nesting beyond the limit', nested(40), /nested deeper than 100/],
    ['a group without end', concat([message([7, new Uint8Array(0)]), varint(900 * 8 + 3)]), /a number is cut off/],
    [
      'nodes without number',
      message([7, new Uint8Array(6_000_000).map((_, at) => (at % 2 === 0 ? 0x0a : 0))]),
      /decoding would take more than 1610612736 bytes/,
    ],
    ['an unknown element type', withInitializer([2, 99]), /initializer "w": element type 99 is not known/],
    ['a negative dimension', withInitializer([2, FLOAT], [1, negativeOne]), /dimension -1 is negative/],
    [
      'more elements than can be',
      withInitializer([2, FLOAT], [1, 2 ** 40], [1, 2 ** 40]),
      /more than 281474976710656 elements/,
    ],
    [
      'a hidden dimension beside 0',
      withInitializer([2, FLOAT], [1, 0], [1, 2 ** 50]),
      /more than 281474976710656 elements/,
    ],
    [
      'too many dimensions',
      withInitializer([2, FLOAT], ...Array.from({ length: 65 }, () => [1, 1] as const)),
      /65 dimensions/,
    ],
    ['too few bytes', withInitializer([2, FLOAT], [1, 3], [9, new Uint8Array(8)]), /expected 12 bytes of data, got 8/],
    [
      'data twice',
      withInitializer([2, FLOAT], [1, 1], [9, new Uint8Array(4)], [4, new Uint8Array(4)]),
      /floatData beside rawData/,
    ],
    [
      'data in the wrong field',
      withInitializer([2, FLOAT], [1, 1], [5, Uint8Array.of(1)]),
      /cannot have its data in int32Data/,
    ],
    ['a value beyond its type', withInitializer([2, 2], [1, 1], [5, varint(256)]), /256 does not fit \[0, 255\]/],
    [
      'strings in raw_data',
      withInitializer([2, STRING], [1, 1], [9, Uint8Array.of(1)]),
      /strings in string_data alone/,
    ],
    [
      'a part of a tensor',
      withInitializer([2, FLOAT], [1, 2], [3, message([1, 0], [2, 1])], [9, new Uint8Array(4)]),
      /several segments/,
    ],
    [
      'external data unasked',
      withInitializer([2, FLOAT], [1, 1], [13, message([1, text('location')], [2, text('w.bin')])], [14, 1]),
      /lies in "w.bin"; read .* with readModelFile/,
    ],
    [
      'an initializer twice',
      message([7, concat(Array(2).fill(message([5, message([8, text('w')], [2, FLOAT], [1, 0])])))]),
      /initializer "w" occurs twice/,
    ],
    [
      'an attribute of two types',
      withAttribute([20, 2], [3, 1], [4, text('s')]),
      /attribute "a": type int, content int and string/,
    ],
    ['an attribute of no type', withAttribute(), /type not stated, content none/],
    [
      'an operator set twice',
      message([7, new Uint8Array(0)], [8, message([2, 1])], [8, message([2, 2])]),
      /operator set "" is imported twice/,
    ],
  ];
  it.each(rows)('%s', (_, bytes, expected) => {
    expect(() => readModel(bytes, { where: 'bad.onnx' })).toThrow(InputError);
    expect(() => readModel(bytes, { where: 'bad.onnx' })).toThrow(expected);
    expect(() => readModel(bytes, { where: 'bad.onnx' })).toThrow(/^bad\.onnx/);
  });

  it('but nesting within the limit is read', () => {
    expect(readModel(nested(30)).graph.nodes).toHaveLength(1);
  });
});

describe('writeModel', () => {
  it('refuses a model over 2 GiB and says what to use', () => {
    const b = createGraphBuilder({ name: 'large' });
    // Memory that is never touched is never taken.
    const bytes = new Uint8Array(2 ** 30);
    b.initializer('a', { dtype: 'uint8', dims: [2 ** 30], bytes });
    b.initializer('b', { dtype: 'uint8', dims: [2 ** 30], bytes });
    b.output(b.identity(b.input('x', 'float32', [1])), { dtype: 'float32', dims: [1] });
    const model = b.build();
    expect(() => writeModel(model)).toThrow(InputError);
    expect(() => writeModel(model)).toThrow(/takes 21474\d+ bytes.*use writeModelFile.*external data/);
  });

  it('refuses a tensor whose bytes do not match its shape', () => {
    const b = createGraphBuilder({ name: 'wrong' });
    b.initializer('w', { dtype: 'float32', dims: [3], bytes: new Uint8Array(8) });
    b.output(b.identity(b.input('x', 'float32', [1])), { dtype: 'float32', dims: [1] });
    expect(() => writeModel(b.build())).toThrow(/tensor "w" float32\[3\]: expected 12 bytes, got 8/);
  });
});

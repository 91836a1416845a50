import { describe, expect, it } from 'vitest';
import { canonicalJson, digestOf, requireJson } from '../../contracts/canonical-json.ts';
import { InputError } from '../../contracts/errors.ts';

describe('canonicalJson', () => {
  it('sorts keys by code unit, omits blanks and undefined fields, and round-trips every value', () => {
    const value = { b: [1, 'é"\n', null, true, []], B: {}, 10: 5e-324, 9: -0, a: { z: undefined, y: 0.1 + 0.2 } };
    const text = canonicalJson(value);
    expect(text).toBe('{"10":5e-324,"9":0,"B":{},"a":{"y":0.30000000000000004},"b":[1,"é\\"\\n",null,true,[]]}');
    expect(canonicalJson(JSON.parse(text))).toBe(text);
    expect(digestOf({ b: 1, a: 2 })).toBe(digestOf({ a: 2, b: 1 }));
  });

  it.each([
    [Number.NaN, /^the value: .* got NaN$/],
    [{ cost: { seconds: Infinity } }, /^cost\.seconds: .* got Infinity$/],
    [{ samples: [[1], [2, Number.NaN]] }, /^samples\[1\]\[1\]: /],
    [{ samples: [1, undefined] }, /^samples\[1\]: .* got undefined$/],
    [{ run: () => 1 }, /^run: /],
    [[{ big: 1n }], /^\[0\]\.big: .* got 1$/],
    [undefined, /^the value: .* got undefined$/],
  ])('names the path of a value that is not JSON: %#', (value, message) => {
    for (const ask of [canonicalJson, requireJson]) {
      expect(() => ask(value)).toThrow(InputError);
      expect(() => ask(value)).toThrow(message);
    }
  });
});

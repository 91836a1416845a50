import { describe, expect, it } from 'vitest';
import { visibleJson, visibleText } from '../../contracts/visible-json.ts';

const HOSTILE = {
  '<script>alert(1)</script>': '</script><!--',
  turned: 'w4\u202egnp.exe\u2066\u2069\u200f',
  controls: 'a\0b\u0007c\u001bd\u007f\u0085\r\n\t',
  separators: 'a\u2028b\u2029c\ufeff',
  tags: 'a\u{e0041}b\u180e\ufff9',
  quotes: `"'\\`,
  list: [1e-7, -0.1, null, true, 'ü 漢 😀'],
};

describe('visibleJson', () => {
  it('parses to the same value', () => {
    expect(JSON.parse(visibleJson(HOSTILE))).toEqual(HOSTILE);
  });

  it('contains no markup and no invisible characters', () => {
    expect(visibleJson(HOSTILE)).not.toMatch(/[<>&]|[^\P{C}\p{Co}]|[\u2028\u2029]/u);
    expect(visibleJson(HOSTILE)).toContain('ü 漢 😀');
  });
});

describe('visibleText', () => {
  it('spells out invisible characters and keeps the rest', () => {
    expect(visibleText('w4\u202egnp\n')).toBe(String.raw`w4\u202egnp\n`);
    expect(visibleText('a\0b')).toBe(String.raw`a\u0000b`);
    expect(visibleText('<b> & "quoted" \\ ü')).toBe('<b> & "quoted" \\ ü');
  });
});

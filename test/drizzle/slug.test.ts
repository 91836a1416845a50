import { describe, expect, it } from 'vitest';
import { slugOf } from '../../drizzle/slug.ts';

const HOSTILE = [
  '',
  ' ',
  '.',
  '..',
  '../../etc/passwd',
  'a/b',
  'a\\b',
  'a.b',
  'A',
  'con',
  'nul',
  'com1',
  '-rf',
  '~',
  'a~b',
  '<script>alert(1)</script>',
  'w4\u202egnp.exe',
  'line\nbreak',
  'nul\0byte',
  '%2e%2e%2f',
  'été',
  'ｆｕｌｌ',
  '😀',
  '=cmd()',
  'a'.repeat(5000),
  '?query#hash',
  '__proto__',
  'constructor',
];

describe('slugOf', () => {
  it('leaves plain ids as they are', () => {
    expect(slugOf('gptq', 'w4g32')).toBe('gptq.w4g32');
    expect(slugOf('stories260k', 'wikitext-2-perplexity', 'p1', 'cpu-e8a2f7be1b654a82')).toBe(
      'stories260k.wikitext-2-perplexity.p1.cpu-e8a2f7be1b654a82',
    );
    expect(slugOf('20261123T065417-quick-nbj')).toBe('20261123T065417-quick-nbj');
  });

  it('makes a safe name of any text: no path, no device name, nothing that needs escaping', () => {
    for (const part of HOSTILE) {
      for (const slug of [slugOf(part), slugOf(part, 'w4'), slugOf('gptq', part)]) {
        expect(slug).toMatch(/^[A-Za-z0-9_][A-Za-z0-9_.~-]*$/);
        expect(slug.length).toBeLessThanOrEqual(120);
        expect(encodeURIComponent(slug)).toBe(slug);
        expect(slug).not.toMatch(/^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i);
      }
    }
  });

  it('gives different ids different names, also on case-insensitive file systems', () => {
    const parts = [...HOSTILE, 'w4', 'W4', 'b', 'a', 'a.b'];
    const lists = [...parts.map((part) => [part]), ...parts.flatMap((a) => parts.map((b) => [a, b]))];
    const unlike = new Map(lists.map((list) => [JSON.stringify(list), list]));
    const slugs = [...unlike.values()].map((list) => slugOf(...list).toLowerCase());
    expect(new Set(slugs).size).toBe(slugs.length);
  });
});

import { describe, expect, it } from 'vitest';
import { visibleText } from '../../site/lib/visible-text.ts';

describe('visibleText', () => {
  it('spells out control and formatting characters', () => {
    expect(visibleText('w4\u202egnp.exe')).toBe('w4‹U+202E›gnp.exe');
    expect(visibleText('\u2066a\u2069\u200b\u0007')).toBe('‹U+2066›a‹U+2069›‹U+200B›‹U+0007›');
    expect(visibleText('tag\u{e0041}')).toBe('tag‹U+E0041›');
  });

  it('keeps all other text, markup included', () => {
    for (const text of ['<script>alert(1)</script>', 'gptq/w4g32', 'Müller, 模型, عربي', '4 × 8 − 2']) {
      expect(visibleText(text)).toBe(text);
    }
    expect(visibleText('two\nlines\tand')).toBe('two lines and');
  });
});

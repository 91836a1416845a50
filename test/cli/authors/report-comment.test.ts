import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { marked } from 'marked';
import { describe, expect, it } from 'vitest';
import { COMMENT_MARK, reportComment } from '../../../cli/authors/report-comment.ts';

const SCRIPT = resolve(import.meta.dirname, '../../../cli/authors/report-comment.ts');
const comment = (text: string) => reportComment(Buffer.from(text));

/** What a reader of Markdown makes of a comment: the kinds of its blocks, and the text of the fence. */
function read(body: string) {
  const tokens = marked.lexer(body).filter(({ type }) => type !== 'space');
  const fence = tokens.find(({ type }) => type === 'code');
  return { types: tokens.map(({ type }) => type), text: fence && 'text' in fence ? fence.text : undefined };
}

describe('reportComment', () => {
  it.each([
    'plain',
    '# title\n\n| a | b |\n|---|---|\n| 1 | 2 |',
    'text\n```\n[link](https://evil.example) <img src=x> @everyone #1',
    '````\n`````js\n``` `` `',
    '~~~\n~~~\n<script>',
    '``````````````````\nout',
  ])('shows %j as plain text', (text) => {
    const body = comment(text);
    expect(body.startsWith(`${COMMENT_MARK}\n`)).toBe(true);
    expect(read(body)).toEqual({ types: ['html', 'paragraph', 'code'], text });
  });

  it('says so when there is nothing to show', () => {
    expect(read(comment(' \n'))).toEqual({ types: ['html', 'paragraph', 'code'], text: '(empty)' });
  });

  it('removes invisible characters', () => {
    expect(read(comment('a\u0000b\u001B[31mc\u202Ed\u200Be\r\nf\tg')).text).toBe('ab[31mcde\nf\tg');
  });

  it('truncates a long report below GitHub’s limit, between characters, and closes the fence', () => {
    for (const text of ['x'.repeat(2e6), '😀'.repeat(50_000), '`'.repeat(30_000) + 'x'.repeat(5e5)]) {
      const body = comment(text);
      expect(read(body).types.at(-1)).toBe('code');
      expect(body.isWellFormed()).toBe(true);
    }
    expect(comment('x'.repeat(2e6)).length).toBeLessThan(65_536);
  });

  it('is written as the body of a request, from a bounded input', () => {
    const { status, stdout } = spawnSync(process.execPath, [SCRIPT], { input: 'x'.repeat(5e6), encoding: 'utf8' });
    expect(status).toBe(0);
    const { body } = JSON.parse(stdout) as { readonly body: string };
    expect(body.length).toBeLessThan(65_536);
    expect(read(body).text).toMatch(/^x+\n… \(cut\)$/);
  });
});

/**
 * The comment that carries a method's report to its pull request, as the body of a request to GitHub:
 *   unzip -p artifact.zip report.md | node cli/authors/report-comment.ts > body.json
 * The report was written by code nobody has reviewed, so it is shown as text alone: in a fence that it cannot close, where
 * nothing is a link, an image, a mention or HTML. It loads nothing but Node, so that no package need be installed.
 */

/** Finds the comment of an earlier report; GitHub does not show it. */
export const COMMENT_MARK = '<!-- method report -->';
/** GitHub takes 65,536, counted as JavaScript does or kinder; the fence may need as many again as the report has marks. */
const MOST_CHARACTERS = 60_000;
const LONGEST_FENCE = 1000;
/** Bytes read; the rest of a larger input is left where it is. */
const MOST_BYTES = 4 * MOST_CHARACTERS;

if (import.meta.main) {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.byteLength;
    if (bytes > MOST_BYTES) break;
  }
  process.stdout.write(JSON.stringify({ body: reportComment(Buffer.concat(chunks).subarray(0, MOST_BYTES)) }));
}

export function reportComment(report: Uint8Array): string {
  const text = visible(new TextDecoder().decode(report));
  const cut = text.length > MOST_CHARACTERS;
  // Half of a pair of surrogates at the end is none of the reader's business.
  const shown = cut ? `${text.slice(0, MOST_CHARACTERS).replace(/[\uD800-\uDBFF]$/, '')}\n… (cut)` : text;
  const longest = (shown.match(/`+/g) ?? []).reduce((most, run) => Math.max(most, run.length), 0);
  const fence = '`'.repeat(Math.max(3, longest + 1));
  return [
    COMMENT_MARK,
    'Report of `npm run check-method`, written by the code of this pull request:',
    '',
    `${fence}text`,
    shown.trimEnd() || '(empty)',
    fence,
  ].join('\n');
}

/** Without control characters and marks that turn the direction of writing; no run of marks asks for a longer fence. */
function visible(text: string): string {
  const seen = text.replaceAll(/(?![\n\t])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '');
  return seen.replaceAll(new RegExp(`(\`{${LONGEST_FENCE}})\`+`, 'g'), '$1');
}

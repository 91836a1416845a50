/**
 * Markdown of the repository as React elements. Raw HTML is shown as text; links to files that are pages of the site
 * lead to those pages.
 */
import { marked, type Token, type Tokens } from 'marked';
import { Fragment, type ReactNode } from 'react';
import { paths } from '../lib/paths.ts';
import { studies } from '../lib/repository-file.ts';
import { visibleText } from '../lib/visible-text.ts';
import { SiteLink } from './site-link.tsx';

const PAGES: Readonly<Record<string, string>> = {
  'README.md': paths.home,
  'PROTOCOL.md': paths.protocol,
  'CONTRIBUTING.md': paths.contribute,
  'ARCHITECTURE.md': paths.architecture,
  'results/README.md': paths.data,
};

export interface Heading {
  readonly id: string;
  readonly title: string;
  readonly depth: number;
}

export function headingsOf(text: string): readonly Heading[] {
  const ids = new Map<string, number>();
  return marked
    .lexer(text)
    .filter((token): token is Tokens.Heading => token.type === 'heading' && token.depth > 1)
    .map(({ text: title, depth }) => ({ id: headingId(title, ids), title: plainText(title), depth }));
}

/** A heading of depth 1 is left out, since the page has its own title; `below` is the level under which the others are nested. */
export function Markdown({ text, below = 1 }: { readonly text: string; readonly below?: number }) {
  const ids = new Map<string, number>();
  const tokens = marked
    .lexer(text)
    .filter((token) => !(token.type === 'heading' && token.depth === 1))
    .map((token) => (token.type === 'heading' ? { ...token, depth: (token.depth as number) + below - 1 } : token));
  return <div className="prose">{blocks(tokens, ids)}</div>;
}

function headingId(title: string, ids: Map<string, number>): string {
  const base = plainText(title)
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, '-')
    .replaceAll(/^-|-$/g, '');
  const count = ids.get(base) ?? 0;
  ids.set(base, count + 1);
  return count === 0 ? base : `${base}-${count}`;
}

function plainText(title: string): string {
  return title.replaceAll(/[`*_]/g, '');
}

function blocks(tokens: readonly Token[], ids: Map<string, number>): ReactNode {
  return tokens.map((token, i) => <Fragment key={i}>{block(token as Tokens.Generic, ids)}</Fragment>);
}

function block(token: Tokens.Generic, ids: Map<string, number>): ReactNode {
  switch (token.type) {
    case 'heading': {
      const Level = `h${Math.min(token.depth as number, 5)}` as 'h2';
      return <Level id={headingId(token.text as string, ids)}>{inline(token.tokens)}</Level>;
    }
    case 'paragraph':
      return <p>{inline(token.tokens)}</p>;
    case 'text':
      return token.tokens ? inline(token.tokens) : decode(token.text as string);
    case 'code':
      return (
        <pre tabIndex={0}>
          <code>{visibleLines(token.text as string)}</code>
        </pre>
      );
    case 'blockquote':
      return <blockquote>{blocks(token.tokens ?? [], ids)}</blockquote>;
    case 'list': {
      const List = (token.ordered as boolean) ? 'ol' : 'ul';
      return (
        <List>
          {(token.items as Tokens.ListItem[]).map((item, i) => (
            <li key={i}>{blocks(item.tokens, ids)}</li>
          ))}
        </List>
      );
    }
    case 'table':
      return <MarkdownTable table={token as unknown as Tokens.Table} />;
    case 'hr':
      return <hr />;
    case 'html':
      return <p>{visibleText(token.text as string)}</p>;
    default:
      return null;
  }
}

function MarkdownTable({ table }: { readonly table: Tokens.Table }) {
  const className = (column: number) => (table.align[column] === 'right' ? 'numeric' : undefined);
  return (
    <div className="table-scroll prose-table" tabIndex={0} role="group" aria-label="Table">
      <table>
        <thead>
          <tr>
            {table.header.map((cell, i) => (
              <th key={i} scope="col" className={className(i)}>
                {inline(cell.tokens)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {table.rows.map((row, r) => (
            <tr key={r}>
              {row.map((cell, i) => (
                <td key={i} className={className(i)}>
                  {inline(cell.tokens)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function inline(tokens: readonly Token[] | undefined): ReactNode {
  return (tokens ?? []).map((token, i) => <Fragment key={i}>{span(token as Tokens.Generic)}</Fragment>);
}

function span(token: Tokens.Generic): ReactNode {
  switch (token.type) {
    case 'text':
    case 'escape':
      return token.tokens ? inline(token.tokens) : decode(token.text as string);
    case 'strong':
      return <strong>{inline(token.tokens)}</strong>;
    case 'em':
      return <em>{inline(token.tokens)}</em>;
    case 'del':
      return <del>{inline(token.tokens)}</del>;
    case 'codespan':
      return <code>{decode(token.text as string)}</code>;
    case 'br':
      return <br />;
    case 'link':
      return <MarkdownLink href={token.href as string}>{inline(token.tokens)}</MarkdownLink>;
    case 'image':
      return <span className="quiet">[{decode(token.text as string)}]</span>;
    default:
      return visibleText(String(token.raw));
  }
}

function MarkdownLink({ href, children }: { readonly href: string; readonly children: ReactNode }) {
  if (/^https?:\/\//.test(href)) return <a href={href}>{children}</a>;
  if (href.startsWith('#')) return <a href={href}>{children}</a>;
  const file = href.replace(/^(\.\.?\/)+/, '').replace(/#.*$/, '');
  const study = /^(?:results\/studies\/)?([^/]+)\.md$/.exec(file)?.[1];
  const page = PAGES[file] ?? (studies().some(({ slug }) => slug === study) ? paths.study(study ?? '') : undefined);
  return page ? <SiteLink href={page}>{children}</SiteLink> : <code>{href}</code>;
}

/** The lexer does not decode HTML entities. */
function decode(text: string): string {
  const named: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'", nbsp: '\u00a0' };
  return visibleText(text.replaceAll(/&(amp|lt|gt|quot|#39|nbsp);/g, (_, name: string) => named[name] ?? ''));
}

function visibleLines(text: string): string {
  return text.split('\n').map(visibleText).join('\n');
}

/** A document of the repository with its contents beside it. */
import type { ReactNode } from 'react';
import { repositoryFile } from '../lib/repository-file.ts';
import { Markdown, headingsOf } from './markdown.tsx';
import { PageHead } from './page-head.tsx';

export function DocumentPage(props: { readonly file: string; readonly title: string; readonly children: ReactNode }) {
  const text = repositoryFile(props.file);
  const headings = headingsOf(text).filter(({ depth }) => depth <= 3);
  return (
    <>
      <PageHead title={props.title}>{props.children}</PageHead>
      <div className="with-contents section">
        <Markdown text={text} />
        {headings.length > 2 && (
          <nav className="contents" aria-label="On this page">
            <ul>
              {headings.map(({ id, title, depth }) => (
                <li key={id} className={depth > 2 ? 'deeper' : undefined}>
                  <a href={`#${id}`}>{title}</a>
                </li>
              ))}
            </ul>
          </nav>
        )}
      </div>
    </>
  );
}

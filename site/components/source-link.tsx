import { commitAddress, fileAddress } from '../../contracts/words/project.ts';
import { projectAddress } from '../lib/project.ts';
import { visibleText } from '../lib/visible-text.ts';

/** A file of the repository, with a link where package.json names the repository. */
export function SourceFile({ path }: { readonly path: string }) {
  const { repository } = projectAddress();
  const name = <code>{visibleText(path)}</code>;
  return repository === null ? name : <a href={fileAddress(repository, path)}>{name}</a>;
}

/** The first characters of a commit; null is a run outside a repository. */
export function Commit({ commit }: { readonly commit: string | null }) {
  const { repository } = projectAddress();
  if (commit === null) return <code>outside a repository</code>;
  const name = <code>{visibleText(commit).slice(0, 12)}</code>;
  // Rows come from outside: only a hash becomes a part of an address.
  return repository !== null && /^[0-9a-f]{40}\+?$/.test(commit) ? (
    <a href={commitAddress(repository, commit)}>{name}</a>
  ) : (
    name
  );
}

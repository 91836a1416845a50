/** Where the project is published, according to `repository`, `homepage` and `bugs` of `package.json`. */
import { InputError } from '../errors.ts';
import { isRecord } from '../is-record.ts';

export interface ProjectAddress {
  /** Without a trailing slash; null where `package.json` has none. */
  readonly repository: string | null;
  /** Address of the site. */
  readonly homepage: string | null;
  /** Address of the issue tracker. */
  readonly bugs: string | null;
}

/** `manifest` is the content of package.json. InputError for an address that is not https://. */
export function projectAddressOf(manifest: unknown): ProjectAddress {
  const fields = isRecord(manifest) ? manifest : {};
  const addressOf = (field: string): string | null => {
    const value = fields[field];
    const text = isRecord(value) ? value['url'] : value;
    if (text === undefined || text === '') return null;
    const plain = typeof text === 'string' ? text.replace(/^git\+/, '').replace(/\.git$|\/+$/g, '') : '';
    if (!/^https:\/\/[^\s/]+/.test(plain)) {
      throw new InputError(
        `package.json: ${field}: expected an address that starts with https://, got ${JSON.stringify(text)}`,
      );
    }
    return plain;
  };
  return { repository: addressOf('repository'), homepage: addressOf('homepage'), bugs: addressOf('bugs') };
}

/** Address at which the repository shows a file of its default branch, for GitHub, GitLab and Gitea. */
export function fileAddress(repository: string, path: string): string {
  return `${repository}/blob/HEAD/${path}`;
}

/** `commit` is a hash, with `+` after it where the tree had uncommitted changes. */
export function commitAddress(repository: string, commit: string): string {
  return `${repository}/commit/${commit.replace(/\+$/, '')}`;
}

import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const SCRIPT = resolve(import.meta.dirname, '../../../.github/post-report.sh');
const missing = ['bash', 'jq', 'unzip', 'zip'].filter((tool) => spawnSync(tool, ['--help']).error);

/** Stands for GitHub's command: answers from files, applies --jq, and keeps what it was asked to write. */
const GH = `#!/usr/bin/env bash
set -euo pipefail
here=$(dirname "$0")
query='' method=GET input='' path=''
while [ $# -gt 0 ]; do
  case $1 in
    --jq) query=$2; shift ;;
    --method) method=$2; shift ;;
    --input) input=$2; shift ;;
    -f) shift ;;
    repos/*) path=$1 ;;
  esac
  shift
done
echo "$method $path" >> "$here/asked"
case $path in
  */zip) exec cat "$here/report.zip" ;;
  */artifacts) answer=artifacts.json ;;
  */pulls) answer=pulls.json ;;
  */comments) answer=comments.json ;;
  *) answer=empty.json ;;
esac
if [ -n "$input" ]; then cp "$input" "$here/written.json"; exit 0; fi
if [ -n "$query" ]; then jq --raw-output "$query" "$here/$answer"; else cat "$here/$answer"; fi
`;

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'shrinkrank-post-'));
  writeFileSync(join(folder, 'gh'), GH);
  chmodSync(join(folder, 'gh'), 0o755);
  answer('artifacts', { artifacts: [{ id: 7, name: 'method-report', size_in_bytes: 500 }] });
  answer('pulls', [
    { number: 11, head: { sha: 'older' } },
    { number: 12, head: { sha: 'head' } },
  ]);
  answer('comments', []);
  report('# rtn: ready\n');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function answer(name: string, value: unknown): void {
  writeFileSync(join(folder, `${name}.json`), JSON.stringify(value));
}

function report(text: string, name = 'report.md'): void {
  rmSync(join(folder, 'report.zip'), { force: true });
  writeFileSync(join(folder, name), text);
  spawnSync('zip', ['-q', 'report.zip', name], { cwd: folder });
}

function post(): { readonly status: number | null; readonly output: string; readonly asked: readonly string[] } {
  const env = {
    PATH: [folder, dirname(process.execPath), process.env['PATH']].join(delimiter),
    REPOSITORY: 'o/r',
    RUN: '5',
    HEAD: 'stranger:branch',
    COMMIT: 'head',
  };
  const { status, stdout, stderr } = spawnSync('bash', [SCRIPT], { env, encoding: 'utf8' });
  return { status, output: stdout + stderr, asked: readFileSync(join(folder, 'asked'), 'utf8').trim().split('\n') };
}

function written(): string | undefined {
  const file = join(folder, 'written.json');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { readonly body: string }).body : undefined;
}

describe.skipIf(missing.length > 0)(`posting a report (needs ${missing.join(', ') || 'nothing more'})`, () => {
  it('comments on the pull request whose head was checked', () => {
    const { status, output, asked } = post();
    expect({ status, output }).toEqual({ status: 0, output: '' });
    expect(asked.at(-1)).toBe('POST repos/o/r/issues/12/comments');
    expect(written()).toContain('```text\n# rtn: ready\n```');
  });

  it('replaces its own earlier report, and no other comment', () => {
    answer('comments', [
      { id: 1, user: { login: 'stranger' }, body: '<!-- method report -->' },
      { id: 2, user: { login: 'github-actions[bot]' }, body: 'another <!-- method report -->' },
      { id: 3, user: { login: 'github-actions[bot]' }, body: '<!-- method report -->\nold' },
    ]);
    expect(post().asked.at(-1)).toBe('PATCH repos/o/r/issues/comments/3');
  });

  it('posts nothing of a run without a report, or whose commit is no longer the head', () => {
    answer('artifacts', { artifacts: [{ id: 6, name: 'other', size_in_bytes: 5 }] });
    expect(post()).toMatchObject({ status: 0, output: expect.stringContaining('no report') as string });
    answer('artifacts', { artifacts: [{ id: 7, name: 'method-report', size_in_bytes: 500 }] });
    answer('pulls', [{ number: 12, head: { sha: 'newer' } }]);
    expect(post()).toMatchObject({ status: 0, output: expect.stringContaining('no open pull request') as string });
    expect(written()).toBeUndefined();
  });

  it('refuses too large an artifact without fetching it', () => {
    answer('artifacts', { artifacts: [{ id: 7, name: 'method-report', size_in_bytes: 2e6 }] });
    const { status, asked } = post();
    expect(status).toBe(1);
    expect(asked).toEqual(['GET repos/o/r/actions/runs/5/artifacts']);
  });

  it('truncates a report that unpacks to a hundred times its size', () => {
    report('x'.repeat(5e7));
    expect(post().status).toBe(0);
    expect(written()?.length).toBeLessThan(65_536);
  });
});

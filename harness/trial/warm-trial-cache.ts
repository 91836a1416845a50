/**
 * Fills the compile cache that processes of trials may read but not write. Loads only the harness's own modules: a method's
 * module would run outside its sandbox.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { importClosure } from '../plan/import-closure.ts';
import { OWN_CODE } from './trial-readable.ts';

const TRIAL_CHILD = join(import.meta.dirname, 'trial-child.ts');

/** @param methodFiles absolute paths of the methods that are about to run; the harness modules they import are loaded. */
export async function warmTrialCache(folder: string, methodFiles: readonly string[]): Promise<void> {
  const modules = [TRIAL_CHILD, ...[...new Set(methodFiles)].flatMap((file) => importClosure(file))]
    .filter((path) => OWN_CODE.some((folder) => path.startsWith(`${folder}/`)) && path.endsWith('.ts'))
    .sort();
  const hash = createHash('sha256').update(process.version);
  for (const path of new Set(modules)) hash.update(`${path} ${statSync(path).mtimeMs} ${statSync(path).size}\n`);
  const marker = join(folder, `warm-${hash.digest('hex').slice(0, 16)}`);
  if (existsSync(marker)) return;
  mkdirSync(folder, { recursive: true });
  const source = [...new Set(modules)]
    .map((path) => `await import(${JSON.stringify(pathToFileURL(path).href)});`)
    .join('\n');
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', source],
    {
      env: { PATH: process.env['PATH'], NODE_COMPILE_CACHE: folder },
      stdio: 'ignore',
    },
  );
  const [exitCode] = (await once(child, 'exit')) as [number | null];
  // Without the cache trials only start slower, so a failure does not end the run.
  if (exitCode !== 0) return;
  for (const path of [folder, ...filesBelow(folder)]) chmodSync(path, statSync(path).isDirectory() ? 0o755 : 0o644);
  writeFileSync(marker, '');
}

/** Node makes these files readable by their owner only, but under root the trial runs as another user. */
function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name));
}

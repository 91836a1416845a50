/** Installs a Debian package where this process may; what a test needs and the machine may lack. */
import { execFileSync, spawnSync } from 'node:child_process';

/** Why it could not, or that it did and yet did not help; installs nothing where this process is not root. */
export function installDebian(name: string): string {
  if (process.getuid?.() !== 0) return 'not root, so apt was not tried';
  if (spawnSync('apt-get', ['--version']).status !== 0) return 'no apt-get here';
  try {
    const quiet = { stdio: 'ignore', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } } as const;
    execFileSync('apt-get', ['update', '-q'], quiet);
    execFileSync('apt-get', ['install', '-y', '--no-install-recommends', name], quiet);
    return `apt-get installed ${name}, yet it is not where it is looked for`;
  } catch (error) {
    return `apt-get failed: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`;
  }
}

/** Does a deed of device-deeds.ts in a process that has SwiftShader for its device. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const DEEDS = join(import.meta.dirname, 'device-deeds.ts');

export async function onSoftwareDevice<Found>(
  environment: Readonly<Record<string, string>>,
  deed: string,
  ...args: readonly string[]
): Promise<Found> {
  const { stdout } = await promisify(execFile)(process.execPath, [DEEDS, deed, ...args], {
    env: { ...process.env, ...environment },
    maxBuffer: 2 ** 24,
  });
  return JSON.parse(stdout.trim().split('\n').at(-1) as string) as Found;
}

/** A Redis of a test's own, on a socket in a folder it names; Debian's redis-server where it may be installed. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { installDebian } from './install-debian.ts';

export type FoundRedisServer = { readonly path: string } | { readonly missing: string };

export function findRedisServer(): FoundRedisServer {
  const installed = installedServer();
  if (installed) return { path: installed };
  const refusal = installDebian('redis-server');
  const fresh = installedServer();
  if (fresh) return { path: fresh };
  return { missing: `no redis-server: install it (${refusal})` };
}

function installedServer(): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/bin'];
  return folders.map((folder) => join(folder, 'redis-server')).find((path) => existsSync(path));
}

export interface RedisServer {
  /** Path of its socket. */
  readonly url: string;
  /** Killed and started again: with what it held, or with nothing. */
  restart(what: 'kept' | 'lost'): Promise<void>;
  stop(): Promise<void>;
}

export async function startRedisServer(path: string, folder: string): Promise<RedisServer> {
  const url = join(folder, 'redis.sock');
  const data = join(folder, 'redis-data');
  let server: ChildProcess;
  async function start(): Promise<void> {
    mkdirSync(data, { recursive: true });
    const options = [
      '--port',
      '0',
      '--unixsocket',
      url,
      '--dir',
      data,
      '--appendonly',
      'yes',
      '--appendfsync',
      'always',
    ];
    server = spawn(path, [...options, '--save', ''], { stdio: 'ignore' });
    const redis = new Redis(url, { maxRetriesPerRequest: null, retryStrategy: () => 50 });
    redis.on('error', () => {}); // not there yet: tried again
    await redis.ping();
    redis.disconnect();
  }
  async function stop(): Promise<void> {
    const ended = new Promise((resolve) => server.once('exit', resolve));
    server.kill('SIGKILL');
    await Promise.race([ended, after(5000)]);
  }
  await start();
  return {
    url,
    async restart(what) {
      await stop();
      if (what === 'lost') rmSync(data, { recursive: true, force: true });
      await start();
    },
    stop,
  };
}

/** Where `redis-server` says which version it is; for the reports of tests. */
export function redisVersion(path: string): string {
  return spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout.trim();
}

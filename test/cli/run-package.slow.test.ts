import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'run-package-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('the packed package, installed in an empty folder', () => {
  const packages = join(folder, 'node_modules');
  const own = join(packages, 'shrinkrank');
  const cache = join(folder, 'cache/shrinkrank');
  const working = join(folder, 'working');

  beforeAll(() => {
    const [packed] = JSON.parse(
      execFileSync('npm', ['pack', '--json', '--pack-destination', folder], { cwd: ROOT, encoding: 'utf8' }),
    ) as { filename: string }[];
    execFileSync('tar', ['xzf', join(folder, packed?.filename ?? '')], { cwd: folder });
    mkdirSync(packages);
    mkdirSync(working);
    for (const name of readdirSync(join(ROOT, 'node_modules'))) {
      symlinkSync(join(ROOT, 'node_modules', name), join(packages, name));
    }
    renameSync(join(folder, 'package'), own);
  });

  function shrinkrank(...args: readonly string[]) {
    const { SHRINKRANK_HOME: _, ...inherited } = process.env;
    const env = { ...inherited, XDG_CACHE_HOME: join(folder, 'cache') };
    return spawnSync(process.execPath, [join(own, 'cli/shrinkrank.js'), ...args], {
      cwd: working,
      encoding: 'utf8',
      env,
    });
  }

  it('holds no tests, results, site or scripts', () => {
    const held = readdirSync(own);
    expect(held).toEqual(expect.arrayContaining(['cli', 'methods', 'models']));
    for (const name of ['test', 'results', 'site', 'scripts', '.ci']) expect(held).not.toContain(name);
  });

  it('runs from a copy that is made once, with rows where it is called', () => {
    expect(shrinkrank('list', 'methods')).toMatchObject({ status: 0, stderr: '' });
    expect(shrinkrank('board').stderr).toContain(`no results yet in ${join(working, '.shrinkrank/store.sqlite')}`);
    expect(readdirSync(cache)).toHaveLength(1);
    const [copy = ''] = readdirSync(cache);
    expect(readFileSync(join(cache, copy, 'package.json'), 'utf8')).toBe(
      readFileSync(join(own, 'package.json'), 'utf8'),
    );
  });

  it('says in one line where packages of other versions lie beside it', () => {
    mkdirSync(join(own, 'node_modules'));
    const { status, stdout, stderr } = shrinkrank('list');
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^error: [^\n]*install shrinkrank in a folder of its own\n$/);
  });
});

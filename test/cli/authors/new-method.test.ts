import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMethod, PLACEHOLDER, withMethod } from '../../../cli/authors/new-method.ts';

const REPOSITORY = resolve(import.meta.dirname, '../../..');
const LIST = 'methods/index.ts';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'shrinkrank-new-method-'));
  mkdirSync(join(root, 'methods'));
  cpSync(join(REPOSITORY, LIST), join(root, LIST));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const read = (path: string) => readFileSync(join(root, path), 'utf8');

describe('createMethod', () => {
  it('adds one import and one name to the list, in order, and removes nothing', () => {
    const before = read(LIST).split('\n');
    createMethod(root, ['quantization/layer-a1']);
    const after = read(LIST).split('\n');
    expect(after.filter((line) => !before.includes(line))).toEqual([
      "import layerA1 from './quantization/layer-a1.ts';",
      '  layerA1,',
    ]);
    expect(after.length).toBe(before.length + 2);
    const at = (line: string) => after.indexOf(line);
    expect(at("import layerA1 from './quantization/layer-a1.ts';")).toBe(
      at("import kmeans from './quantization/kmeans.ts';") + 1,
    );
    expect(at('  layerA1,')).toBe(at('  layerDrop,') - 1);
  });

  it('marks everything to be filled in, in files that pass the formatter and the linter', () => {
    const [method = '', test = ''] = createMethod(root, ['sharing/some-new-way']);
    expect([method, test]).toEqual(['methods/sharing/some-new-way.ts', 'test/methods/sharing/some-new-way.test.ts']);
    expect(read(method).split(PLACEHOLDER).length).toBeGreaterThan(8);
    expect(read(test)).toContain(PLACEHOLDER);
    cpSync(join(REPOSITORY, '.oxfmtrc.json'), join(root, '.oxfmtrc.json'));
    const oxfmt = join(REPOSITORY, 'node_modules/.bin/oxfmt');
    const { status, stdout } = spawnSync(oxfmt, ['--check', method, test, LIST], { cwd: root, encoding: 'utf8' });
    expect(stdout + status).toMatch(/0$/);
  });

  it.each([
    [[], /expected one <family>\/<id>/],
    [['rtn'], /expected one <family>\/<id> .*got "rtn"/],
    [['quantization/a/b'], /expected one/],
    [['quantization/a', 'more'], /expected one/],
    [['magic/trick'], /unknown family "magic"; known: .*quantization/],
    [['quantization/Ternary'], /"Ternary" is not a method id/],
    [['quantization/../up'], /expected one/],
    [['quantization/..'], /"\.\." is not a method id/],
    [['quantization/2bit'], /"2bit" is not a method id/],
    [['quantization/a--b'], /"a--b" is not a method id/],
    [['quantization/delete'], /is a reserved word/],
    [['quantization/methods'], /is a reserved word/],
    [['pruning/rtn'], /already has quantization\/rtn; ids are unique across families/],
    [['pruning/int8-Dynamic'], /is not a method id/],
  ])('refuses %j and writes nothing', (args, message) => {
    const before = read(LIST);
    expect(() => createMethod(root, args)).toThrow(message);
    expect(read(LIST)).toBe(before);
    expect(existsSync(join(root, 'test'))).toBe(false);
  });

  it('does not overwrite an existing file', () => {
    mkdirSync(join(root, 'methods/pruning'));
    writeFileSync(join(root, 'methods/pruning/mine.ts'), '// mine\n');
    expect(() => createMethod(root, ['pruning/mine'])).toThrow(/methods\/pruning\/mine\.ts already exists/);
    expect(read('methods/pruning/mine.ts')).toBe('// mine\n');
  });
});

describe('the command', () => {
  it.each([
    ['pruning/rtn', /^error: new-method: methods\/index\.ts already has quantization\/rtn[^\n]*\n$/],
    ['rtn', /^error: new-method: expected one <family>\/<id>[^\n]*\n$/],
  ])('ends with exit code 2 and one line for %s', (name, message) => {
    const script = join(REPOSITORY, 'cli/authors/new-method.ts');
    const { status, stdout, stderr } = spawnSync(process.execPath, [script, name], { encoding: 'utf8' });
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(message);
  });
});

describe('withMethod', () => {
  it('refuses a list it cannot parse', () => {
    expect(() => withMethod('export const methods = [];\n', { family: 'pruning', id: 'mine' })).toThrow(
      /expected one block of imports/,
    );
  });
});

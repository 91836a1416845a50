/**
 * Starts a method: a file and a test from templates that pass every check as they are, and its line in methods/index.ts:
 *   npm run new-method -- quantization/ternary
 * The template is the dense model that calls itself a control; the places to fill in say FILL IN.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { compileFunction } from 'node:vm';
import { REPOSITORY_ROOT } from '../setup/registry.ts';
import { reportError } from '../setup/output.ts';
import { InputError, unknownId } from '../../contracts/errors.ts';
import { FAMILIES, type Family } from '../../contracts/taxonomy.ts';

/** Stands wherever an author has something to say; check-method names what still has it. */
export const PLACEHOLDER = 'FILL IN';

/** One import of methods/index.ts. */
const IMPORT = /^import (\w+) from '\.\/([^/']+)\/([^/']+)\.ts';$/;

export interface MethodName {
  readonly family: Family;
  readonly id: string;
}

if (import.meta.main) {
  try {
    const written = createMethod(REPOSITORY_ROOT, process.argv.slice(2));
    const { id } = parseName(process.argv.slice(2));
    console.log(
      [
        ...written.map((path) => `wrote ${path}`),
        `next: fill in what says ${PLACEHOLDER}, then npm run check-method -- ${id}`,
      ].join('\n'),
    );
  } catch (error) {
    process.exitCode = reportError(error);
  }
}

/**
 * Writes the files of `<family>/<id>` under a root with methods/index.ts, and gives their paths from there. Nothing is
 * written when anything is in the way: InputError.
 */
export function createMethod(root: string, args: readonly string[]): readonly string[] {
  const name = parseName(args);
  const paths = {
    method: join('methods', name.family, `${name.id}.ts`),
    test: join('test/methods', name.family, `${name.id}.test.ts`),
    list: join('methods', 'index.ts'),
  };
  for (const path of [paths.method, paths.test]) {
    if (existsSync(join(root, path))) {
      throw new InputError(`new-method: ${path} already exists and is not overwritten; choose another id`);
    }
  }
  const list = withMethod(readFileSync(join(root, paths.list), 'utf8'), name);
  const files = { [paths.method]: methodSource(name), [paths.test]: testSource(name), [paths.list]: list };
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return Object.keys(files);
}

export function parseName(args: readonly string[]): MethodName {
  const [text = '', ...rest] = args;
  const [family = '', id = '', ...more] = text.split('/');
  if (id === '' || more.length > 0 || rest.length > 0) {
    throw new InputError(
      `new-method: expected one <family>/<id> such as quantization/ternary, got "${args.join(' ')}"; ` +
        `families: ${FAMILIES.join(', ')}`,
    );
  }
  const known = FAMILIES.find((name) => name === family);
  if (known === undefined) throw unknownId('family', family, FAMILIES);
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(id)) {
    throw new InputError(
      `new-method: "${id}" is not a method id; expected words of lower-case letters and digits joined by single hyphens, a letter first`,
    );
  }
  if (!isFreeIdentifier(identifierOf(id))) {
    throw new InputError(
      `new-method: "${id}" is a reserved word, which an import cannot have as its name; choose another`,
    );
  }
  return { family: known, id };
}

/** `k-prune` → `kPrune`. */
function identifierOf(id: string): string {
  return id.replaceAll(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

function isFreeIdentifier(identifier: string): boolean {
  try {
    compileFunction(`'use strict'; let ${identifier};`);
    return identifier !== 'methods';
  } catch {
    return false;
  }
}

/** methods/index.ts with one more method: imports by family and file, the list by id. */
export function withMethod(source: string, { family, id }: MethodName): string {
  const lines = source.split('\n');
  const known = lines.flatMap((line) => {
    const [, identifier = '', ...path] = IMPORT.exec(line) ?? [];
    return identifier === '' ? [] : [{ identifier, family: path[0] ?? '', id: path[1] ?? '' }];
  });
  const start = lines.findIndex((line) => IMPORT.test(line));
  const open = lines.findIndex((line) => /^export const methods\b.*\[$/.test(line));
  const close = lines.indexOf('];', open);
  if (
    start < 0 ||
    open < 0 ||
    close < 0 ||
    !lines.slice(start, start + known.length).every((line) => IMPORT.test(line))
  ) {
    throw new InputError(
      'new-method: methods/index.ts: expected one block of imports and one list "export const methods = […]"; ' +
        'repair it, or add the method by hand',
    );
  }
  const identifier = identifierOf(id);
  const taken = known.find((method) => method.id === id || method.identifier === identifier);
  if (taken) {
    throw new InputError(
      `new-method: methods/index.ts already has ${taken.family}/${taken.id}; ids are unique across families, choose another`,
    );
  }
  const added = { identifier, family, id };
  const imports = [...known, added]
    .sort((a, b) => compare(a.family, b.family) || compare(`${a.id}.ts`, `${b.id}.ts`))
    .map((method) => `import ${method.identifier} from './${method.family}/${method.id}.ts';`);
  const list = [...known, added].sort((a, b) => compare(a.id, b.id)).map((method) => `  ${method.identifier},`);
  return [
    ...lines.slice(0, start),
    ...imports,
    ...lines.slice(start + known.length, open + 1),
    ...list,
    ...lines.slice(close),
  ].join('\n');
}

/** By code units, as Array.sort and the contract suite do. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function methodSource({ family, id }: MethodName): string {
  return `/**
 * ${PLACEHOLDER}: what the method is, its source (paper and algorithm number, URL), and where it departs from it.
 * Until then this is the dense model, which is why it says \`control\`.
 */
import * as v from 'valibot';
import { defineMethod } from '../../engine/definitions/method.ts';
import { tensorOf } from '../../numerics/tensor/tensor.ts';

export default defineMethod({
  id: '${id}',
  family: '${family}',
  // ${PLACEHOLDER}: data-free, calibrated (context.calibration), gradient, or trained (context.training too).
  access: 'data-free',
  revision: 1,
  // ${PLACEHOLDER}: take this line out; a control may be as large as dense, a proposal must be smaller.
  control: true,
  description: '${PLACEHOLDER}: up to three sentences for somebody who has not read the paper.',
  paper: {
    title: '${PLACEHOLDER}: the paper’s title',
    authors: '${PLACEHOLDER}: all authors, separated by commas',
    year: ${new Date().getFullYear()},
    url: 'https://example.org/${PLACEHOLDER.toLowerCase().replace(' ', '-')}',
  },
  // ${PLACEHOLDER}: the SPDX identifier (https://spdx.org/licenses/) of the licence you give this file under; LICENSE is this one.
  licence: 'Apache-2.0',
  // ${PLACEHOLDER}: one entry for each dial, v.pipe(v.number(), v.description('What it does.')).
  params: v.strictObject({}),
  // ${PLACEHOLDER}: the rows on the board, at least five where the method has a dial.
  variants: { default: {} },

  compress(model, { signal, progress }) {
    let compressed = model;
    model.linears.forEach((linear, index) => {
      signal.throwIfAborted();
      // ${PLACEHOLDER}: a new weight of the layer, [in, out]; model.withOnnx replaces nodes instead.
      const dims = [linear.inFeatures, linear.outFeatures];
      compressed = compressed.withWeight(linear, tensorOf('float32', dims, model.weight(linear)));
      progress((index + 1) / model.linears.length);
    });
    return compressed;
  },
});
`;
}

function testSource({ family, id }: MethodName): string {
  const identifier = identifierOf(id);
  return `import { expect, it } from 'vitest';
import type { Model } from '../../../engine/definitions/model.ts';
import ${identifier} from '../../../methods/${family}/${id}.ts';
import { methodContext } from '../../support/method-context.ts';
import { tinyLlama } from '../../support/tiny-model.ts';

// ${PLACEHOLDER}: test the maths, against a closed form, a float64 reference, or numbers of the original implementation.
it('${id} keeps each weight as it is', async () => {
  const model = tinyLlama();
  const { context } = methodContext({ method: ${identifier}, variant: 'default', model });
  const compressed: Model = await ${identifier}.compress(model, context);
  for (const linear of model.linears) expect(compressed.weight(linear)).toEqual(model.weight(linear));
});
`;
}

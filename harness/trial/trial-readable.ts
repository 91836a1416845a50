/**
 * The files that the process of a trial may read: the harness and the methods, its own inputs, and what Node and the
 * method's external command need to run. Not the store, other artifacts, test items, datasets, results or home folders.
 */
import { accessSync, constants, existsSync, lstatSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { delimiter, dirname, isAbsolute, join, resolve } from 'node:path';
import type { Method } from '../../engine/definitions/method.ts';
import { methodSources } from '../plan/method-sources.ts';
import type { TrialSpecification } from './trial-child.ts';

const REPOSITORY = resolve(import.meta.dirname, '../..');
/** Folders of the harness's own code: everything a trial loads but methods. */
export const OWN_CODE = ['contracts', 'numerics', 'engine', 'harness'].map((name) => join(REPOSITORY, name));
const PACKAGES = join(REPOSITORY, 'node_modules');
const CODE = [...OWN_CODE, ...['methods', 'package.json'].map((name) => join(REPOSITORY, name)), PACKAGES];
/** Subfolders of an installation that are readable. The rest is not: the installation may be a home folder. */
const INSTALLATION = ['bin', 'lib', 'lib64', 'libexec', 'pyvenv.cfg'];
const MOST_LINKS = 16;

/** Absolute paths of files and folders. Throws InputError where the method names a file that it may not have. */
export function trialReadable(
  specification: Omit<TrialSpecification, 'artifactPath' | 'reportPath'>,
  method: Method,
): string[] {
  const { methodFile, model, calibrationPath, trainingPath, training } = specification;
  const inputs = [model, ...(model.smaller ? [model.smaller] : [])].flatMap(({ onnxPath, partsPath }) => [
    onnxPath,
    partsPath,
  ]);
  const program = method.command && findProgram(method.command[0]);
  const libraries = (process.env['LD_LIBRARY_PATH'] ?? '').split(delimiter).filter(isAbsolute);
  const wanted = [
    ...CODE,
    // Of an installed package it is a link.
    realpathSync(PACKAGES),
    ...methodSources(methodFile),
    ...inputs,
    ...(calibrationPath === null ? [] : [calibrationPath]),
    ...(trainingPath === null ? [] : [trainingPath]),
    ...installationOf(process.execPath),
    ...(program === undefined ? [] : installationOf(program)),
    ...libraries,
    // Driver manifests; the libraries they name lie beside them or among the system's.
    ...Object.values(training.environment).filter(isAbsolute).map(dirname),
  ];
  return [...new Set(wanted)].filter((path) => existsSync(path));
}

/** Path of a program on PATH; undefined when it is not found. */
function findProgram(name: string): string | undefined {
  const candidates = name === process.execPath ? [name] : searchPath().map((folder) => join(folder, name));
  return candidates.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function searchPath(): string[] {
  return (process.env['PATH'] ?? '').split(delimiter).filter(isAbsolute);
}

/** A program, the links that lead to it, and what is installed beside it; for a script, its interpreter's as well. */
function installationOf(program: string): string[] {
  const paths = [...linksFrom(program), realpathSync(program)];
  const prefixes = paths.map((path) => dirname(dirname(path)));
  const homes = prefixes.flatMap((prefix) => {
    // A virtual environment names the folder of the interpreter it was made from.
    const home = /^home\s*=\s*(\/.+)$/m.exec(textOf(join(prefix, 'pyvenv.cfg')))?.[1]?.trim();
    return home === undefined ? [] : [dirname(home)];
  });
  const interpreter = /^#!\s*(\/\S+)/.exec(textOf(realpathSync(program)).slice(0, 256))?.[1];
  return [
    ...paths,
    ...[...prefixes, ...homes].flatMap((prefix) => INSTALLATION.map((name) => join(prefix, name))),
    ...(interpreter !== undefined && existsSync(interpreter) ? installationOf(interpreter) : []),
  ].filter((path) => !/^\/[^/]*$/.test(path));
}

function linksFrom(program: string): string[] {
  const links = [program];
  for (let path = program; links.length < MOST_LINKS && lstatSync(path).isSymbolicLink(); links.push(path)) {
    path = resolve(dirname(path), readlinkSync(path));
  }
  return links;
}

/** First bytes of a file; empty when it cannot be read. */
function textOf(path: string): string {
  try {
    if (lstatSync(path).size > 65_536) return '';
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

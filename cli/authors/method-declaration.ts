/** Checks of a method that need no run: names, revision, schema, description, citation, and what is not filled in yet. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { BenchError } from '../../contracts/errors.ts';
import type { Method } from '../../engine/definitions/method.ts';
import { requireOwnFiles } from '../../harness/plan/method-sources.ts';
import { SPDX_IDENTIFIER } from '../../contracts/taxonomy.ts';
import { readDigests } from './artifact-digests.ts';
import { PLACEHOLDER } from './new-method.ts';

const MOST_SENTENCES = 4;
const LEAST_VARIANTS = 5;
const OLDEST_PAPER = 1930;

/**
 * What is wrong with the declaration, one sentence each with what to do about it; empty where nothing is wrong.
 * @param root the folder that holds methods/ and test/.
 */
export function declarationFindings(method: Method, root: string): readonly string[] {
  return [
    ...sourceFindings(method, root),
    ...revisionFindings(method),
    ...paperFindings(method),
    ...parameterFindings(method),
    ...fileFindings(method, root),
    ...digestFindings(method, root),
  ];
}

function sourceFindings(method: Method, root: string): string[] {
  const file = join(root, `methods/${method.family}/${method.id}.ts`);
  if (!existsSync(file)) return [];
  try {
    requireOwnFiles({ method, file }, root);
    return [];
  } catch (error) {
    if (error instanceof BenchError) return [`files: ${error.message}`];
    throw error;
  }
}

function revisionFindings({ revision }: Method): string[] {
  if (Number.isInteger(revision) && revision >= 1) return [];
  return [`revision: expected a whole number from 1, got ${revision}; start with 1 and raise it when artifacts change`];
}

function paperFindings({ description, paper, licence }: Method): string[] {
  const findings: string[] = [];
  const sentences = description.match(/[.!?](\s|$)/g)?.length ?? 0;
  if (sentences < 1 || sentences > MOST_SENTENCES) {
    findings.push(
      `description: expected 1 to ${MOST_SENTENCES} sentences, got ${sentences}; describe the method in up to three`,
    );
  }
  for (const field of ['title', 'authors', 'url'] as const) {
    if (paper[field].trim() === '') findings.push(`paper.${field} is empty; cite where the algorithm comes from`);
  }
  if (
    !URL.canParse(paper.url) ||
    new URL(paper.url).protocol !== 'https:' ||
    /\bexample\.(org|com)\b/.test(paper.url)
  ) {
    findings.push(`paper.url: expected the https address of the paper, got "${paper.url}"`);
  }
  const newest = new Date().getFullYear();
  if (!Number.isInteger(paper.year) || paper.year <= OLDEST_PAPER || paper.year > newest) {
    findings.push(`paper.year: expected a year up to ${newest}, got ${paper.year}`);
  }
  if (!SPDX_IDENTIFIER.test(licence) || licence === 'NOASSERTION' || licence === 'NONE') {
    findings.push(
      `licence: expected an SPDX identifier such as Apache-2.0 (https://spdx.org/licenses/), got "${licence}"`,
    );
  }
  return findings;
}

function parameterFindings({ params, variants }: Method): string[] {
  const findings: string[] = [];
  const entries = params.type === 'strict_object' && 'entries' in params ? recordOf(params.entries) : undefined;
  if (entries === undefined) {
    return [`params: expected v.strictObject({ … }), which refuses unknown keys, got ${params.type}`];
  }
  for (const [name, schema] of Object.entries(entries)) {
    if (!descriptionOf(schema)?.endsWith('.')) {
      findings.push(`params.${name}: no description; add v.description('A sentence.') to its pipe`);
    }
  }
  const names = Object.keys(variants);
  const least = Object.keys(entries).length > 0 ? LEAST_VARIANTS : 1;
  if (names.length < least) {
    findings.push(`variants: expected at least ${least} of a method with parameters, got ${names.length}`);
  }
  for (const name of names) {
    const { success, issues } = v.safeParse(params, variants[name]);
    if (!success) findings.push(`variants.${name}: ${v.summarize(issues).replaceAll(/\s+/g, ' ').trim()}`);
  }
  return findings;
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null ? { ...value } : undefined;
}

/** Of the schema itself, or of the one inside v.optional(…). */
function descriptionOf(value: unknown): string | undefined {
  const inner = recordOf(value)?.['wrapped'] ?? value;
  return isSchema(inner) ? v.getDescription(inner) : undefined;
}

function isSchema(value: unknown): value is v.GenericSchema {
  return recordOf(value)?.['kind'] === 'schema';
}

function fileFindings({ id, family, access }: Method, root: string): string[] {
  const findings: string[] = [];
  const paths = [`methods/${family}/${id}.ts`, `test/methods/${family}/${id}.test.ts`];
  for (const path of paths) {
    if (!existsSync(join(root, path))) {
      findings.push(`${path} is missing; the file is named after id and family, and the mathematics needs a test`);
      continue;
    }
    const lines = readFileSync(join(root, path), 'utf8').split('\n');
    const places = lines.flatMap((line, index) => (line.includes(PLACEHOLDER) ? [index + 1] : []));
    if (places.length > 0) findings.push(`${path}: "${PLACEHOLDER}" is left in line ${places.join(', ')}`);
  }
  const source = existsSync(join(root, paths[0] ?? '')) ? readFileSync(join(root, paths[0] ?? ''), 'utf8') : '';
  // A context that is passed on as a whole may be read elsewhere, so only a file that names none of the three is reported.
  if (access !== 'data-free' && source !== '' && !/\b(calibration|training|context)\b/.test(source)) {
    findings.push(`access: declared ${access}, but the file reads no data; declare data-free`);
  }
  return findings;
}

function digestFindings({ id }: Method, root: string): string[] {
  if (readDigests(join(root, 'methods/artifact-digests.json'))[id]) return [];
  return [`artifact digests: none recorded; once the method is finished, run: npm run update-digests -- ${id}`];
}

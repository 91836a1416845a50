/**
 * Learning rates found by a search on validation splits, by model and variant; `shrinkrank tune` runs the search and
 * writes them to methods/learning-rates.json. A rate applies only to the revision of the method that it was found with.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import * as v from 'valibot';
import { InputError } from '../../contracts/errors.ts';
import { formatCount, formatSeconds } from '../../contracts/words/figures.ts';
import type { Method } from '../../engine/definitions/method.ts';

const positive = v.pipe(v.number(), v.gtValue(0));

const searchedRateSchema = v.strictObject({
  /** Of the method. */
  revision: v.pipe(v.number(), v.integer(), v.minValue(1)),
  learningRate: positive,
  /** Training tokens and processor time of the whole search. */
  tokens: v.pipe(v.number(), v.integer(), v.minValue(0)),
  cpuSeconds: positive,
  /** Validation loss minus that of dense, nats per decision, by rate; null where training diverged. */
  losses: v.record(v.string(), v.nullable(v.number())),
});
export type SearchedRate = v.InferOutput<typeof searchedRateSchema>;
/** By model, then by `<method>/<variant>`. */
export type LearningRates = Readonly<Record<string, Readonly<Record<string, SearchedRate>>>>;

const schema = v.pipe(v.string(), v.parseJson(), v.record(v.string(), v.record(v.string(), searchedRateSchema)));

/** Throws InputError naming the invalid field. A missing file contains no rates. */
export function readLearningRates(path: string): LearningRates {
  if (!existsSync(path)) return {};
  const parsed = v.safeParse(schema, readFileSync(path, 'utf8'));
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  throw new InputError(
    `${path}: ${v.getDotPath(issue) ?? 'the file'}: ${issue.message}; shrinkrank tune writes this file`,
  );
}

/** Models and variants sorted. */
export function writeLearningRates(path: string, rates: LearningRates): void {
  const sorted = <T>(record: Readonly<Record<string, T>>): Record<string, T> =>
    Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
  const models = sorted(Object.fromEntries(Object.entries(rates).map(([model, of]) => [model, sorted(of)])));
  writeFileSync(path, `${JSON.stringify(models, null, 2)}\n`);
}

/** Whether the method has a learning rate to search for. */
export function hasLearningRate({ params }: Pick<Method, 'params'>): boolean {
  return Object.hasOwn(params.entries, 'learningRate');
}

export function rateOf(
  rates: LearningRates,
  { method, variant, model }: { readonly method: Method; readonly variant: string; readonly model: string },
): SearchedRate | undefined {
  const found = rates[model]?.[`${method.id}/${variant}`];
  return found?.revision === method.revision ? found : undefined;
}

/** Remarks for a row about the source of its learning rate and the cost of the search. */
export function rateRemark(method: Pick<Method, 'params'>, rate: SearchedRate | undefined): readonly string[] {
  if (!hasLearningRate(method)) return [];
  if (rate === undefined)
    return ['learning rate: the default, since none was searched for on this model at this budget'];
  const { learningRate, losses, tokens, cpuSeconds } = rate;
  return [
    `learning rate: ${learningRate}, the best of ${Object.keys(losses).length} on the validation split; ` +
      `search cost: ${formatCount(tokens)} tokens, ${formatSeconds(cpuSeconds)} of processor time`,
  ];
}

/** Searches for the learning rate of a variant on the validation split of a model. */
import { InputError, NumericalError } from '../../contracts/errors.ts';
import type { Method } from '../../engine/definitions/method.ts';
import { SEARCHED_RATES, searchTokens } from '../../engine/training/searched-rates.ts';
import type { SearchedRate } from '../../harness/plan/learning-rates.ts';
import type { Validation } from './validation.ts';

export interface Subject {
  readonly method: Method;
  readonly variant: string;
}

/**
 * Trains the variant at each rate on a share of its budget and keeps the rate with the least validation loss; of equal ones the
 * lower. Throws InputError where all diverge.
 */
export async function searchRate(validation: Validation, { method, variant }: Subject): Promise<SearchedRate> {
  const params = method.variants[variant];
  const budget = params?.['tokens'];
  if (params === undefined || typeof budget !== 'number') {
    throw new InputError(
      `${method.id}/${variant} has no budget in tokens; only variants with such a budget can be tuned`,
    );
  }
  const losses: Record<string, number | null> = {};
  let [tokens, cpuSeconds] = [0, 0];
  let best: { readonly rate: number; readonly loss: number } | undefined;
  for (const learningRate of SEARCHED_RATES) {
    const tried = await attempt(validation, {
      method,
      variant,
      params: { ...params, learningRate, tokens: searchTokens(budget) },
    });
    tokens += tried.tokens;
    cpuSeconds += tried.cpuSeconds;
    losses[learningRate.toExponential()] = tried.loss;
    if (tried.loss !== null && (best === undefined || tried.loss < best.loss))
      best = { rate: learningRate, loss: tried.loss };
  }
  if (best === undefined)
    throw new InputError(`${method.id}/${variant} diverges at every learning rate; correct the method`);
  return { revision: method.revision, learningRate: best.rate, tokens, cpuSeconds, losses };
}

interface Attempt {
  readonly tokens: number;
  readonly cpuSeconds: number;
  readonly loss: number | null;
}

async function attempt(
  { compress, evaluate }: Validation,
  { method, variant, params }: Subject & { readonly params: Readonly<Record<string, unknown>> },
): Promise<Attempt> {
  const before = process.cpuUsage();
  const spent = () => {
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1e6;
  };
  try {
    const { compressed, tokens } = await compress(method, params, variant);
    const { distance } = await evaluate(compressed);
    const loss = distance.deltaLogPerplexity.value;
    return { tokens, cpuSeconds: spent(), loss: Number.isFinite(loss) ? loss : null };
  } catch (error) {
    if (error instanceof NumericalError) return { tokens: 0, cpuSeconds: spent(), loss: null };
    throw error;
  }
}

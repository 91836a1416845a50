/** After how many calls a costlier compression is paid back by its faster artifact; PROTOCOL.md, "Derived figures". */
import type { BreakEven, Compute, EntryLatency } from '../../contracts/derived.ts';
import type { Estimate } from '../../contracts/result.ts';
import type { Provider } from '../../contracts/runner.ts';

type Timing = Pick<EntryLatency, 'denseP50Ms' | 'speedUp' | 'noisy'>;
type Shape = Pick<EntryLatency, 'shape' | 'batch' | 'sequence'>;

export interface Side {
  readonly compute: Pick<Compute, 'seconds' | 'unit'> | null;
  /** Null where it was not timed at this shape. */
  readonly timing: Timing | null;
}

/** The dense model as a side: nothing was spent on it, and it is as fast as itself. */
export function denseSide(timing: Timing, unit: Compute['unit']): Side {
  const one = { value: 1, low: 1, high: 1 };
  return { compute: { seconds: 0, unit }, timing: { ...timing, speedUp: one, noisy: false } };
}

/** Calls at `shape` after which `costly` is paid back against `cheap`, on a runner of this provider. */
export function breakEven(
  shape: Shape,
  sides: { readonly costly: Side; readonly cheap: Side; readonly provider: Provider },
): BreakEven {
  const { batch, sequence } = shape;
  const requests = requestsToBreakEven(sides);
  const place = { shape: shape.shape, batch, sequence };
  if (typeof requests === 'string') return { ...place, requests: null, tokens: null, reason: requests };
  const tokens = scaled(requests, batch * sequence);
  return { ...place, requests, tokens, reason: null };
}

/** Or why there is no such number. */
function requestsToBreakEven({
  costly,
  cheap,
  provider,
}: {
  readonly costly: Side;
  readonly cheap: Side;
  readonly provider: Provider;
}): Estimate | string {
  if (costly.compute === null || cheap.compute === null) return 'the cost of compressing was not read';
  if (costly.compute.unit !== cheap.compute.unit) {
    return 'one was made on an accelerator, the other on a processor: their seconds are not the same thing';
  }
  if ((costly.compute.unit === 'processor') !== (provider === 'cpu')) {
    return `it was made on a${costly.compute.unit === 'processor' ? ' processor' : 'n accelerator'} and is timed on another kind of device: their seconds are not the same thing`;
  }
  const extraSeconds = costly.compute.seconds - cheap.compute.seconds;
  if (extraSeconds <= 0) return 'it took no more compute than the other: there is nothing to pay back';
  if (costly.timing === null || cheap.timing === null) return 'not timed on this runner';
  if (costly.timing.noisy || cheap.timing.noisy) return 'the timing is too noisy to tell';
  const saved = secondsSaved(costly.timing, cheap.timing);
  if (saved.value <= 0) return 'never: its artifact is not faster';
  if (saved.low <= 0) return 'the speeds cannot be told apart';
  return { value: extraSeconds / saved.value, low: extraSeconds / saved.high, high: extraSeconds / saved.low };
}

/** Per call; the ends take the intervals of both speed-ups at their worst and best. */
function secondsSaved(costly: Timing, cheap: Timing): Estimate {
  // Dense stood beside both in different processes; the mean of its two times is the common measure.
  const denseSeconds = (costly.denseP50Ms + cheap.denseP50Ms) / 2 / 1000;
  return {
    value: denseSeconds * (1 / cheap.speedUp.value - 1 / costly.speedUp.value),
    low: denseSeconds * (1 / cheap.speedUp.high - 1 / costly.speedUp.low),
    high: denseSeconds * (1 / cheap.speedUp.low - 1 / costly.speedUp.high),
  };
}

function scaled({ value, low, high }: Estimate, factor: number): Estimate {
  return { value: value * factor, low: low * factor, high: high * factor };
}

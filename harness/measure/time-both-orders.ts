/**
 * Times an artifact beside dense in rounds of both orders: candidate then dense, and dense then candidate, averaged. Whoever
 * goes first in a round is favoured, and a round of one order hands that to one side.
 */
import type { Session } from '../../engine/runtime/session.ts';
import { probeTokens, tokenFeeds } from '../../engine/runtime/token-feeds.ts';
import { type PairedSamples, type RoundOptions, type TimedPair, copyingCall, timeAlternating } from './latency.ts';
import { TIMING_PASS } from './timing-pass.ts';

/** @param options with the number of rounds of both orders. */
export async function timeBothOrders(pair: TimedPair, options: RoundOptions): Promise<PairedSamples> {
  // timeAlternating changes the order from round to round: two of its rounds are one of both orders.
  const { samplesMs, denseSamplesMs } = await timeAlternating(pair, { ...options, rounds: 2 * options.rounds });
  return { samplesMs: pairMeans(samplesMs), denseSamplesMs: pairMeans(denseSamplesMs) };
}

/** Means of the first and second, third and fourth … */
function pairMeans(values: readonly number[]): number[] {
  return values.flatMap((value, index) => {
    const next = values[index + 1];
    return index % 2 === 0 && next !== undefined ? [(value + next) / 2] : [];
  });
}

/** Times both sessions at one shape, by TIMING_PASS. Feeds and room for the logits are made once, before any timing. */
export async function timeShapeInBothOrders(params: {
  readonly candidate: Session;
  readonly dense: Session;
  readonly batch: number;
  readonly sequence: number;
  readonly vocabularySize: number;
}): Promise<PairedSamples> {
  const { candidate, dense, batch, sequence, vocabularySize } = params;
  const ids = probeTokens({ batch, sequence, vocabularySize });
  const call = (session: Session) => copyingCall(session, tokenFeeds(session.inputs, ids));
  return timeBothOrders({ candidate: await call(candidate), dense: await call(dense) }, TIMING_PASS);
}

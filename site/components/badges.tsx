import { useId } from 'react';
import type { Badge, BadgeId } from '../../drizzle/queries.ts';
import { NARROW_INTERVAL, ONE_SEED } from '../../contracts/words/board.ts';
import { visibleText } from '../lib/visible-text.ts';

const TITLES: Readonly<Record<BadgeId, string>> = {
  control: 'control',
  simulated: 'simulated',
  noisy: 'noisy',
  stale: 'stale',
  'one-seed': '1 seed',
  'narrow-interval': 'narrow interval',
  'in-sample': 'in-sample',
  failed: 'failed',
  unsupported: 'unsupported',
  timeout: 'timeout',
  'out-of-memory': 'out of memory',
  invalid: 'invalid',
  annotated: 'annotated',
  withdrawn: 'withdrawn',
  unranked: 'not ranked',
  unfinished: 'unfinished',
  untimed: 'not timed',
  'speed-unranked': 'speed not ranked',
  'device-finding': 'device remark',
};

const MEANINGS: Readonly<Record<BadgeId, string>> = {
  control: 'A baseline that others must beat, not a proposal.',
  simulated: 'Size or speed is not what the method would really give.',
  noisy: 'The timing was too unsteady to be ranked by speed.',
  stale: 'Measured with older code of the method, or of one no longer registered.',
  'one-seed': ONE_SEED,
  'narrow-interval': NARROW_INTERVAL,
  'in-sample': 'The model was trained on this data: good for comparing with dense, not for judging the model.',
  failed: 'The method or its process ended with an error.',
  unsupported: 'The method says it cannot do this.',
  timeout: 'Stopped: it was not finished within its time limit.',
  'out-of-memory': 'Stopped: it exceeded the memory limit.',
  invalid: 'What came out breaks the contract of an artifact.',
  annotated: 'A correction adds a remark.',
  withdrawn: 'A correction took rows of it off the board.',
  unranked: 'Has no rank.',
  unfinished: 'Not everything of it has been measured yet.',
  untimed: 'Has no speed on this runner.',
  'speed-unranked': 'Its timings on this runner are not used in any order by speed.',
  'device-finding': 'A remark about how it ran on the device.',
};

const BAD: ReadonlySet<BadgeId> = new Set([
  'failed',
  'unsupported',
  'timeout',
  'out-of-memory',
  'invalid',
  'withdrawn',
]);

/** A badge is a button that opens what it means and why it is here; without JavaScript too. */
export function BadgeButton({ badge }: { readonly badge: Badge }) {
  const id = useId();
  const { id: kind, reason } = badge;
  return (
    <>
      <button type="button" className={`badge${BAD.has(kind) ? ' bad' : ''}`} popoverTarget={id}>
        {TITLES[kind]}
      </button>
      <span className="badge-note" popover="auto" id={id}>
        <strong>{TITLES[kind]}</strong> {MEANINGS[kind]}
        {reason && reason !== MEANINGS[kind] && <bdi className="badge-reason">{visibleText(reason)}</bdi>}
      </span>
    </>
  );
}

export function Badges({ badges }: { readonly badges: readonly Badge[] }) {
  return badges.map((badge) => <BadgeButton key={`${badge.id} ${badge.reason}`} badge={badge} />);
}

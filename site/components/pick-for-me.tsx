'use client';
/** A form of requirements, stored in the address, and the variants that meet them. */
import { useMemo } from 'react';
import type { BoardChoice, BoardView } from '../lib/board-view.ts';
import { formatBytes, plural } from '../lib/format.ts';
import { gapUnit } from '../lib/format.ts';
import { metricWords } from '../lib/metric.ts';
import { leaderboardOf, paths, siteHref } from '../lib/paths.ts';
import { SIZE_LIMITS, pick, type Picked, type SizeLimit, type WishId, type Wishes } from '../lib/pick.ts';
import { useAddress, useReady, type Address } from '../lib/use-address.ts';
import { BoardPicker, Select } from './board-filters.tsx';
import { MissingBoard, useChosenBoard } from './board.tsx';
import { Mark, markKind } from './mark.tsx';
import { Name } from './name.tsx';
import { SiteLink } from './site-link.tsx';

const MEGABYTE = 1e6;
/** The default limit on the loss, in percent or points. */
const USUAL_LOSS = '5';
/** Value in the address for "any loss". */
const ANY_LOSS = 'any';

function numberIn(address: URLSearchParams, name: string): number | null {
  const text = address.get(name);
  const value = Number(text);
  return text && Number.isFinite(value) && value >= 0 ? value : null;
}

function wishesIn(address: URLSearchParams, view: BoardView): Wishes {
  const size = numberIn(address, 'mb');
  const shape = view.shapes.findIndex((each) => each.shape === address.get('shape'));
  return {
    maxBytes: size === null ? null : size * MEGABYTE,
    sizeOf: SIZE_LIMITS.find((each) => each === address.get('sizeof')) ?? 'shipped',
    maxLoss: address.has('loss') ? numberIn(address, 'loss') : Number(USUAL_LOSS),
    minSpeed: numberIn(address, 'speed'),
    shape: Math.max(0, shape),
    maxCostSeconds: numberIn(address, 'budget'),
    training: address.get('training') !== 'no',
  };
}

export function PickForMe({
  choices,
  initial,
}: {
  readonly choices: readonly BoardChoice[];
  readonly initial: BoardView;
}) {
  const address = useAddress();
  const { current, view, missing, isWanted } = useChosenBoard(choices, initial, address[0]);
  const wishes = useMemo(() => wishesIn(address[0], view), [address, view]);
  const picked = useMemo(() => pick(view, wishes), [view, wishes]);
  return (
    <div className={`board-root${isWanted ? '' : ' waiting'}`} aria-busy={!isWanted}>
      <BoardPicker choices={choices} current={current} address={address} />
      <MissingBoard missing={missing} />
      <WishForm view={view} wishes={wishes} address={address} />
      <ShortList view={view} picked={picked} />
    </div>
  );
}

const SIZE_TITLES: Readonly<Record<SizeLimit, string>> = {
  shipped: 'download (zstd)',
  file: 'file on disk',
  memory: 'resident memory',
};

function WishForm(props: { readonly view: BoardView; readonly wishes: Wishes; readonly address: Address }) {
  const { view, wishes } = props;
  const [address, change] = props.address;
  const ready = useReady();
  const field = (of: {
    readonly name: string;
    readonly label: string;
    readonly placeholder: string;
    readonly usual?: string;
  }) => (
    <label className="field">
      <span>{of.label}</span>
      <input
        type="number"
        min="0"
        step="any"
        inputMode="decimal"
        disabled={!ready}
        placeholder={of.placeholder}
        value={
          numberIn(address, of.name) === null
            ? address.has(of.name)
              ? ''
              : (of.usual ?? '')
            : (address.get(of.name) ?? '')
        }
        onChange={(event) => change({ [of.name]: event.target.value || (of.usual === undefined ? null : ANY_LOSS) })}
      />
    </label>
  );
  const dense = view.rows.find(({ slug }) => slug === view.dense);
  return (
    <form className="wishes card" onSubmit={(event) => event.preventDefault()} aria-label="Wishes">
      <div className="fields">
        <Select
          label="Size limit on"
          value={wishes.sizeOf}
          options={SIZE_LIMITS.map((value) => ({ value, title: SIZE_TITLES[value] }))}
          onChange={(value) => change({ sizeof: value === 'shipped' ? null : value })}
          disabled={!ready}
        />
        {field({
          name: 'mb',
          label: `at most, MB${dense?.zstdBytes ? ` (dense ships ${formatBytes(dense.zstdBytes)})` : ''}`,
          placeholder: 'no limit',
        })}
        {field({
          name: 'loss',
          label: `Allowed loss against dense,${gapUnit(view.metric)} of ${metricWords(view.metric).title}`,
          placeholder: 'any',
          usual: USUAL_LOSS,
        })}
      </div>
      <div className="fields">
        {view.shapes.length > 0 && (
          <Select
            label="Speed that matters"
            value={view.shapes[wishes.shape]?.shape ?? ''}
            options={view.shapes.map(({ shape, name }) => ({ value: shape, title: name }))}
            onChange={(value) => change({ shape: value === view.shapes[0]?.shape ? null : value })}
            disabled={!ready}
          />
        )}
        {field({ name: 'speed', label: 'at least, times dense', placeholder: 'any' })}
        {field({ name: 'budget', label: 'Compression budget, seconds', placeholder: 'any' })}
        <Select
          label="Training"
          value={wishes.training ? '' : 'no'}
          options={[
            { value: '', title: 'fine' },
            { value: 'no', title: 'not possible' },
          ]}
          onChange={(value) => change({ training: value || null })}
          disabled={!ready}
        />
      </div>
    </form>
  );
}

const WISH_WORDS: Readonly<Record<WishId, string>> = {
  size: 'the size limit',
  loss: 'the allowed loss',
  speed: 'the wished speed',
  cost: 'the budget',
  training: 'no training',
};

function ShortList({ view, picked }: { readonly view: BoardView; readonly picked: Picked }) {
  const { picks, candidates, fitting, excluded, nearest } = picked;
  const best = picks[0];
  return (
    <section className="section-tight" aria-labelledby="short-list">
      <h2 id="short-list">Short list</h2>
      <p className="small quiet" role="status">
        {fitting} of {plural(candidates, 'variant')} {fitting === 1 ? 'fits' : 'fit'}.
        {excluded.length > 0 &&
          ` Left out by ${excluded.map(({ wish, count }) => `${WISH_WORDS[wish]}: ${count}`).join(', ')} (some by several).`}
      </p>
      {!best ? (
        <div className="empty">
          <h3>Nothing fits all wishes</h3>
          {nearest && (
            <p>
              Nearest is <Name text={nearest.row.id} />, which misses{' '}
              {nearest.missed.map((wish) => WISH_WORDS[wish]).join(' and ')}. Loosen{' '}
              {nearest.missed.length > 1 ? 'these' : 'it'}.
            </p>
          )}
        </div>
      ) : (
        <ol className="picks">
          {picks.map(({ row, titles, why, tradeOff }, i) => (
            <li key={row.slug} className="card">
              <p className="pick-title">{titles.join(' · ')}</p>
              <h3>
                <Mark kind={markKind(row, view.dense)} />{' '}
                <SiteLink href={row.key ? paths.result(row.key) : paths.method(row.methodSlug)}>
                  <Name text={row.id} />
                </SiteLink>
              </h3>
              <p>{why}.</p>
              {i > 0 && (
                <p>
                  Against <Name text={best.row.id} />: {tradeOff}
                  {tradeOff.endsWith('.') ? '' : '.'}
                </p>
              )}
            </li>
          ))}
        </ol>
      )}
      {picks.length > 1 && (
        <p className="small">
          <a
            href={siteHref(
              `${paths.compare}?${new URLSearchParams({
                model: view.model,
                task: view.task,
                ...(view.runner ? { runner: view.runner } : {}),
                of: picks.map(({ row }) => row.slug).join(','),
              })}`,
            )}
          >
            Compare these side by side
          </a>
          , or see <a href={siteHref(leaderboardOf({ model: view.model, task: view.task }))}>all of the board</a>.
        </p>
      )}
    </section>
  );
}

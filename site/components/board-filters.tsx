'use client';
/** Filters, search, columns and weights of a board. All of them are stored in the page's address. */
import { useMemo, type ReactNode } from 'react';
import type { BoardChoice, BoardView } from '../lib/board-view.ts';
import { columnsOf, defaultColumns, type Weights } from '../lib/columns.ts';
import { MAX_WEIGHT, weightsChange, type TableState } from '../lib/table-state.ts';
import { useReady, type Address } from '../lib/use-address.ts';
import { visibleText } from '../lib/visible-text.ts';
import { weightClassTitle } from '../../contracts/words/board.ts';
import { shownColumns } from './board-table.tsx';

export function Select(props: {
  readonly label: string;
  readonly value: string;
  readonly options: readonly { readonly value: string; readonly title: string }[];
  readonly onChange: (value: string) => void;
  readonly disabled?: boolean;
}) {
  const { label, value, options, onChange, disabled } = props;
  return (
    <label className="field">
      <span>{label}</span>
      <select value={value} disabled={disabled} onChange={(event) => onChange(event.target.value)}>
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {visibleText(option.title)}
          </option>
        ))}
      </select>
    </label>
  );
}

/** Model, task and runner. If no board has the chosen combination, the other two change to one that exists. */
export function BoardPicker(props: {
  readonly choices: readonly BoardChoice[];
  readonly current: BoardChoice;
  readonly address: Address;
}) {
  const { choices, current } = props;
  const [, change] = props.address;
  const ready = useReady();
  const choose = (wanted: Partial<BoardChoice>) => {
    const fits = (choice: BoardChoice) =>
      Object.entries(wanted).every(([name, value]) => choice[name as keyof BoardChoice] === value);
    const likeness = (choice: BoardChoice) =>
      Number(choice.model === current.model) * 4 +
      Number(choice.task === current.task) * 2 +
      Number(choice.runner === current.runner);
    const best = choices.filter(fits).sort((a, b) => likeness(b) - likeness(a))[0];
    if (best) change({ model: best.model, task: best.task, runner: best.runner, page: null });
  };
  const of = (name: 'model' | 'task', among: readonly BoardChoice[]) =>
    [...new Set(among.map((choice) => choice[name]))].map((value) => ({ value, title: value }));
  const runners = choices.filter(({ model, task }) => model === current.model && task === current.task);
  const tasks = choices.filter(({ model }) => model === current.model);
  return (
    <div className="fields board-picker">
      <Select
        label="Model"
        value={current.model}
        options={of('model', choices)}
        onChange={(model) => choose({ model })}
        disabled={!ready}
      />
      <Select
        label="Task"
        value={current.task}
        options={of('task', tasks)}
        onChange={(task) => choose({ model: current.model, task })}
        disabled={!ready}
      />
      <Select
        label="Runner (speed, memory)"
        value={current.runner ?? ''}
        options={runners.map(({ runner, runnerName }) => ({ value: runner ?? '', title: runnerName }))}
        onChange={(runner) => choose({ model: current.model, task: current.task, runner })}
        disabled={!ready}
      />
    </div>
  );
}

const ANY = { value: '', title: 'any' };

export function BoardFilters(props: {
  readonly view: BoardView;
  readonly state: TableState;
  readonly address: Address;
  readonly children?: ReactNode;
}) {
  const { view, state } = props;
  const [, change] = props.address;
  const ready = useReady();
  const filter = (name: string) => (value: string) => change({ [name]: value || null, page: null });
  const families = useMemo(() => [...new Set(view.rows.map(({ family }) => family))].sort(), [view]);
  const classes = [...view.weightClasses].reverse();
  const filtered =
    state.search || state.costClass || state.family || state.weightClass || state.reality || state.rank || state.status;
  return (
    <div className="filters">
      <div className="fields">
        <label className="field search">
          <span>Search</span>
          <input
            type="search"
            value={state.search}
            disabled={!ready}
            placeholder="gptq, w4, pruning …"
            onChange={(event) => filter('q')(event.target.value)}
          />
        </label>
        <Select
          label="Cost class"
          value={state.costClass ?? ''}
          options={[
            ANY,
            { value: 'low-cost', title: 'low-cost (does not train)' },
            { value: 'high-cost', title: 'high-cost (trains)' },
          ]}
          onChange={filter('cost')}
          disabled={!ready}
        />
        <Select
          label="Weight class"
          value={state.weightClass ?? ''}
          options={[
            ANY,
            ...classes.map((each) => ({ value: String(each), title: weightClassTitle(each, view.weightClasses) })),
            { value: 'none', title: weightClassTitle(null, view.weightClasses) },
          ]}
          onChange={filter('class')}
          disabled={!ready}
        />
        <Select
          label="Family"
          value={state.family ?? ''}
          options={[ANY, ...families.map((family) => ({ value: family, title: family }))]}
          onChange={filter('family')}
          disabled={!ready}
        />
        <Select
          label="Artifact"
          value={state.reality ?? ''}
          options={[ANY, { value: 'measured', title: 'measured' }, { value: 'simulated', title: 'simulated' }]}
          onChange={filter('real')}
          disabled={!ready}
        />
        <Select
          label="Rank may be"
          value={state.rank === null ? '' : String(state.rank)}
          options={[
            ANY,
            ...[1, 2, 3, 5, 10].map((rank) => ({
              value: String(rank),
              title: rank === 1 ? 'the first' : `among the first ${rank}`,
            })),
          ]}
          onChange={filter('rank')}
          disabled={!ready}
        />
        <Select
          label="Status"
          value={state.status ?? ''}
          options={[ANY, { value: 'completed', title: 'scored' }, { value: 'failed', title: 'failed or unfinished' }]}
          onChange={filter('status')}
          disabled={!ready}
        />
      </div>
      <div className="filter-more">
        <ColumnChooser view={view} state={state} address={props.address} />
        <Scores state={state} address={props.address} />
        {filtered && (
          <button
            type="button"
            className="link-button"
            onClick={() =>
              change({
                q: null,
                cost: null,
                class: null,
                family: null,
                real: null,
                rank: null,
                status: null,
                page: null,
              })
            }
          >
            Clear filters
          </button>
        )}
        {props.children}
      </div>
    </div>
  );
}

function ColumnChooser(props: { readonly view: BoardView; readonly state: TableState; readonly address: Address }) {
  const { view, state } = props;
  const [, change] = props.address;
  const columns = columnsOf(view, state.weights);
  const shown = new Set(shownColumns(columns, state.columns).map(({ id }) => id));
  const usual = defaultColumns(columns).join(',');
  const toggle = (id: string) => {
    const next = columns.filter((column) => (column.id === id ? !shown.has(id) : shown.has(column.id)));
    const text = next.map((column) => column.id).join(',');
    change({ columns: text === usual ? null : text });
  };
  return (
    <details className="panel">
      <summary>Columns</summary>
      <div className="panel-body columns">
        {columns.slice(1).map((column) => (
          <label key={column.id} title={column.hint}>
            <input type="checkbox" checked={shown.has(column.id)} onChange={() => toggle(column.id)} /> {column.title}
          </label>
        ))}
        <button type="button" className="link-button" onClick={() => change({ columns: null })}>
          The usual ones
        </button>
      </div>
    </details>
  );
}

const WEIGHTS: readonly { readonly id: keyof Weights; readonly title: string }[] = [
  { id: 'kept', title: 'quality kept' },
  { id: 'smaller', title: 'size reduction' },
  { id: 'faster', title: 'speed-up' },
  { id: 'compute', title: 'compute' },
];

/** A score with the reader's own weights; shown and sorted by on request, never the default rank. */
export function Scores(props: { readonly state: TableState; readonly address: Address; readonly open?: boolean }) {
  const { state, open } = props;
  const [, change] = props.address;
  const { weights } = state;
  const set = (id: keyof Weights, value: number) =>
    change({ ...weightsChange({ ...weights, [id]: Math.min(MAX_WEIGHT, Math.max(0, value)) }) });
  return (
    <details className="panel" open={open}>
      <summary>Scores</summary>
      <div className="panel-body">
        <p className="formula">
          score = kept<sup>{weights.kept}</sup> × smaller<sup>{weights.smaller}</sup> × faster
          <sup>{weights.faster}</sup> ÷ compute<sup>{weights.compute}</sup>
        </p>
        <div className="fields">
          {WEIGHTS.map(({ id, title }) => (
            <label key={id} className="field weight">
              <span>weight of {title}</span>
              <input
                type="number"
                min={0}
                max={MAX_WEIGHT}
                step={0.25}
                value={weights[id]}
                onChange={(event) => set(id, Number(event.target.value))}
              />
            </label>
          ))}
        </div>
        <p className="small quiet">
          1, 1, 0, 1 is the cost-efficiency that practitioners write down. Kept: share of dense’s quality; smaller: zstd
          bytes of dense over the artifact’s; faster: speed-up at the first shape; compute: seconds spent on
          compressing. Controls and simulated artifacts get no score.
        </p>
        <button
          type="button"
          onClick={() =>
            change({ columns: 'method,rank,quality,smaller,cost,efficiency,score', sort: '-score', page: null })
          }
        >
          Sort by this score
        </button>
      </div>
    </details>
  );
}

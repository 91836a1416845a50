/**
 * The rows of one model, task and protocol by variant: for each variant and seed the row of the present revision,
 * otherwise the newest, marked stale. Does not average over seeds.
 */
import type { Access, Family } from '../contracts/taxonomy.ts';
import {
  annotationsByRow,
  evaluationsOf,
  measurementsOf,
  standingTrials,
  trialColumnsOf,
  type BoardEvaluation,
  type BoardMeasurement,
  type BoardRunner,
  type BoardTrial,
  type LeaderboardRequest,
  type TrialColumns,
} from './board-rows.ts';
import { readCatalog } from './catalog.ts';
import type { Store } from './client.ts';
import { artifactOf, costOf } from './row-columns.ts';
import { trials as trialTable } from './schema.ts';

/** The control on which every ratio is based. */
export const DENSE_METHOD = 'dense';

/** One variant with all its seeds. */
export interface VariantRows {
  readonly method: string;
  readonly variant: string;
  readonly family: Family;
  readonly access: Access;
  readonly control: boolean;
  readonly params: Readonly<Record<string, unknown>>;
  /** Whether the artifact may depend on the seed, according to the catalog; true where unknown. */
  readonly random: boolean;
  /** By seed, ascending; at least one. */
  readonly trials: readonly BoardTrial[];
}

export interface BoardRows {
  /** The runner of the measurements; null when nothing was measured. */
  readonly runner: BoardRunner | null;
  readonly runners: readonly BoardRunner[];
  /** By method and variant. */
  readonly variants: readonly VariantRows[];
}

export function readBoard(store: Store, request: LeaderboardRequest): BoardRows {
  const { database } = store;
  const ids = standingTrials(database, request);
  const evaluated = evaluationsOf(database, ids, request);
  const { runner, runners, measured } = measurementsOf(database, ids, request);
  const annotated = annotationsByRow(database, trialTable, ids);
  const known = new Map(readCatalog(store).methods.map((method) => [method.id, method.variants]));
  const variants = new Map<string, VariantRows & { readonly trials: BoardTrial[] }>();
  for (const columns of trialColumnsOf(database, ids)) {
    const { id, key, method, variant, family, access, control, params } = columns.trial;
    const name = JSON.stringify([method, variant]);
    const listed = known.get(method);
    const entry = variants.get(name) ?? {
      method,
      variant,
      family,
      access,
      control,
      params: JSON.parse(params) as Record<string, unknown>,
      random:
        method !== DENSE_METHOD && ((listed?.find(({ id: own }) => own === variant) ?? listed?.[0])?.random ?? true),
      trials: [],
    };
    variants.set(name, entry);
    entry.trials.push(
      boardTrial(columns, evaluated.get(id) ?? null, measured.get(id) ?? null, annotated.get(key) ?? []),
    );
  }
  return { runner, runners, variants: [...variants.values()] };
}

function boardTrial(
  { trial, artifact: artifactColumns, stale }: TrialColumns,
  evaluation: BoardEvaluation | null,
  measurement: BoardMeasurement | null,
  annotations: readonly string[],
): BoardTrial {
  const artifact = artifactColumns && artifactOf(artifactColumns);
  return {
    key: trial.key,
    run: trial.run,
    seed: trial.seed,
    status: trial.status,
    reason: trial.reason,
    startedAt: trial.startedAt,
    stale: stale === 1,
    notes: JSON.parse(trial.notes) as string[],
    simulated: trial.simulated,
    artifact: artifact?.sha256 ?? null,
    size: artifact?.size ?? null,
    cost: costOf(trial),
    evaluation,
    measurement,
    annotations,
  };
}

/**
 * What was measured before and is measured again: with the same key, the artifact must be the same file and every item's
 * outcome the same number. The speed-up may vary; where it has drifted over the times it was taken is a change of level
 * (change-point.ts), adjusted over all sentinels by Benjamini & Hochberg at 5 %.
 */
import type { TrialDetail } from '../../drizzle/queries.ts';
import { canonicalJson } from '../../contracts/canonical-json.ts';
import { pooledAutocorrelation } from '../../numerics/statistics/autocorrelation.ts';
import { likelyChange } from '../../numerics/statistics/change-point.ts';
import { benjaminiHochberg } from '../../numerics/statistics/significance.ts';
import { FALSE_DISCOVERY_RATE } from './histories.ts';
import { present } from '../../contracts/present.ts';

export interface SentinelFinding {
  /** `gptq/w4g32 on stories260k` */
  readonly name: string;
  /** Readable, one line each; empty where all is as before. */
  readonly differences: readonly string[];
}

/** @param run that measured them again. */
export function sentinelFindings(run: string, sentinels: readonly TrialDetail[]): SentinelFinding[] {
  const timed = sentinels.flatMap((detail, index) => speedSeries(detail).map((each) => ({ index, ...each })));
  const autocorrelation = pooledAutocorrelation(timed.map(({ logs }) => logs));
  const series = timed.flatMap(({ logs, ...each }) => {
    const change = likelyChange(logs, { autocorrelation });
    return change ? [{ ...each, change }] : [];
  });
  const adjusted = benjaminiHochberg(series.map(({ change }) => change.pValue));
  return sentinels.map((detail, index) => {
    const drifted = series.flatMap((each, i) =>
      each.index === index && present(adjusted[i], `q-value ${i}`) <= FALSE_DISCOVERY_RATE
        ? [
            `speed-up ${each.shape} drifted from ${Math.exp(each.change.before).toFixed(2)}× to ` +
              `${Math.exp(each.change.after).toFixed(2)}× (q = ${present(adjusted[i], `q-value ${i}`).toFixed(3)})`,
          ]
        : [],
    );
    return { name: nameOf(detail), differences: [...exactDifferences(run, detail), ...drifted] };
  });
}

function nameOf({ trials }: TrialDetail): string {
  const identity = trials[0]?.row.identity;
  return identity ? `${identity.method}/${identity.variant} on ${identity.model}` : '';
}

function exactDifferences(run: string, { trials, evaluations }: TrialDetail): string[] {
  const artifactOf = ({ row }: TrialDetail['trials'][number]) =>
    row.status === 'completed' ? row.artifact.sha256 : row.status;
  const again = trials.filter(({ row }) => row.run === run).map(artifactOf);
  const before = new Set(trials.filter(({ row }) => row.run !== run).map(artifactOf));
  const others = again.filter((artifact) => before.size > 0 && !before.has(artifact));
  const artifacts = others.map(
    (artifact) => `made ${artifact.slice(0, 12)}, before ${[...before].map((each) => each.slice(0, 12)).join(', ')}`,
  );
  const scores = evaluations.flatMap(({ row }) => {
    if (row.run !== run || row.status !== 'completed') return [];
    const earlier = evaluations.flatMap((other) =>
      other.row.run !== run &&
      other.row.key === row.key &&
      other.row.artifact === row.artifact &&
      other.row.status === 'completed'
        ? [other.row]
        : [],
    );
    const same = earlier.some((other) => canonicalJson(other.outcomes) === canonicalJson(row.outcomes));
    if (earlier.length === 0 || same) return [];
    return [
      `scored ${row.quality.estimate.value} on ${row.task}, before ${earlier[0]?.quality.estimate.value}, with the same artifact`,
    ];
  });
  return [...artifacts, ...scores];
}

/** Logarithms of the speed-ups by shape, on the runner of the newest, in order of time. */
function speedSeries({ measurements }: TrialDetail): { readonly shape: string; readonly logs: readonly number[] }[] {
  const rows = measurements.map(({ row }) => row).toSorted((a, b) => (a.startedAt < b.startedAt ? -1 : 1));
  const runner = rows.at(-1)?.runner.fingerprint;
  const timed = rows.flatMap((row) =>
    row.status === 'completed' && row.runner.fingerprint === runner ? row.latency.filter(({ noisy }) => !noisy) : [],
  );
  return [...Map.groupBy(timed, ({ shape }) => shape)].flatMap(([shape, latencies]) => {
    const logs = latencies.map(({ speedUp }) => Math.log(speedUp.value));
    return [{ shape, logs }];
  });
}

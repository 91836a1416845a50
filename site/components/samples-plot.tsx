'use client';
/** Raw timing samples of an artifact and of dense as two rows of ticks over a histogram each, on one scale. */
import { scaleLinear } from 'd3-scale';
import { formatMilliseconds } from '../lib/format.ts';

const HEIGHT = 132;
const ROW = 46;
const BINS = 36;

export function SamplesPlot(props: {
  readonly samplesMs: readonly number[];
  readonly denseSamplesMs: readonly number[];
  readonly name: string;
}) {
  const { samplesMs, denseSamplesMs, name } = props;
  const all = [...samplesMs, ...denseSamplesMs];
  if (all.length === 0) return <p className="quiet">No samples.</p>;
  const scale = scaleLinear([Math.min(...all), Math.max(...all)], [1, 99]).nice(6);
  const [from = 0, to = 0] = scale.domain();
  const rows = [
    { title: 'artifact', kind: 'low-cost', samples: samplesMs, top: 0 },
    { title: 'dense', kind: 'dense', samples: denseSamplesMs, top: ROW + 8 },
  ];
  const binOf = (value: number) => Math.min(BINS - 1, Math.floor(((value - from) / (to - from || 1)) * BINS));
  return (
    <svg
      className="samples"
      width="100%"
      height={HEIGHT}
      role="img"
      aria-label={`${samplesMs.length} timing samples of the artifact and of dense at ${name}, from ${formatMilliseconds(Math.min(...all))} to ${formatMilliseconds(Math.max(...all))}`}
    >
      {rows.map(({ title, kind, samples, top }) => {
        const perBin = Map.groupBy(samples, binOf);
        const counts = Array.from({ length: BINS }, (_, bin) => perBin.get(bin)?.length ?? 0);
        const most = Math.max(...counts);
        return (
          <g key={title} className={kind}>
            {counts.map((count, bin) =>
              count === 0 ? null : (
                <rect
                  key={bin}
                  x={`${1 + (98 * bin) / BINS}%`}
                  width={`${98 / BINS - 0.15}%`}
                  y={top + ROW - 10 - (count / most) * (ROW - 12)}
                  height={(count / most) * (ROW - 12)}
                />
              ),
            )}
            {samples.map((sample, i) => (
              <line key={i} x1={`${scale(sample)}%`} x2={`${scale(sample)}%`} y1={top + ROW - 8} y2={top + ROW} />
            ))}
            <text x="100%" y={top + 12} textAnchor="end">
              {title}
            </text>
          </g>
        );
      })}
      {scale.ticks(5).map((tick) => (
        <text key={tick} x={`${scale(tick)}%`} y={HEIGHT - 6} textAnchor="middle">
          {formatMilliseconds(tick)}
        </text>
      ))}
    </svg>
  );
}

import type { Estimate } from '../../drizzle/queries.ts';

/** A figure with its interval on the scale of its column, and dense as a line. It decorates the numbers beside it. */
export function Whisker(props: {
  readonly estimate: Estimate;
  /** 0 to 1 within the column's domain; values outside it lie on the edge. */
  readonly scale: (value: number) => number;
  readonly dense: number | null;
  readonly kind: string;
}) {
  const { estimate, scale, dense, kind } = props;
  const at = (value: number) => `${(Math.min(1, Math.max(0, scale(value))) * 100).toFixed(1)}%`;
  const beyond = scale(estimate.value) > 1 || scale(estimate.value) < 0;
  return (
    <svg className={`whisker ${kind}`} aria-hidden="true" width="100%" height="10">
      {dense !== null && <line className="dense-line" x1={at(dense)} x2={at(dense)} y1="0" y2="10" />}
      <line className="interval" x1={at(estimate.low)} x2={at(estimate.high)} y1="5" y2="5" />
      <circle className={beyond ? 'beyond' : ''} cx={at(estimate.value)} cy="5" r="2.5" />
    </svg>
  );
}

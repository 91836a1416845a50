import type { Items } from '../../contracts/result.ts';
import type { Provider } from '../../contracts/runner.ts';
import type { OnnxModel } from '../../numerics/onnx/graph.ts';

/** What every scoring of test items is given: artifact and dense, scored on the same items. */
export interface ScoringTask {
  readonly dense: OnnxModel;
  readonly candidate: OnnxModel;
  /** Default `cpu`. */
  readonly provider?: Provider;
  readonly signal?: AbortSignal;
  /** Share of the work done. */
  readonly onProgress?: (share: number) => void;
}

export interface Scores {
  readonly items: Items;
  readonly sessionOptions: Readonly<Record<string, string | number | boolean>>;
}

import { PROTOCOL } from '../../contracts/protocol.ts';
import type { Items } from '../../contracts/result.ts';
import type { Provider } from '../../contracts/runner.ts';
import type { OnnxModel } from '../../numerics/onnx/graph.ts';
import type { DecoderOptions } from './open-decoder.ts';

/** How the items of a task are run. */
export interface ScoringRun {
  /** Default `cpu`. */
  readonly provider?: Provider;
  /** Folder for temporary model files; default: the system's temporary folder. */
  readonly scratch?: string;
  readonly signal?: AbortSignal;
  /** Share of completed work. */
  readonly onProgress?: (share: number) => void;
}

export function optionsOf({ provider = 'cpu', scratch }: ScoringRun): DecoderOptions {
  return { provider, threads: PROTOCOL.quality.threads, scratch };
}

/** Input of scoring the dense model; the scores are written to `folder`. */
export interface DenseScoring extends ScoringRun {
  readonly dense: OnnxModel;
  readonly folder: string;
}

/** Input of scoring a candidate, with the dense model's scores on the same items. */
export interface CandidateScoring<Dense> extends ScoringRun {
  readonly candidate: OnnxModel;
  readonly denseScores: Dense;
}

export interface Scores {
  readonly items: Items;
  readonly sessionOptions: Readonly<Record<string, string | number | boolean>>;
}

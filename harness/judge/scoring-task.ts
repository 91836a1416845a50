import { PROTOCOL } from '../../contracts/protocol.ts';
import type { Items } from '../../contracts/result.ts';
import type { Provider } from '../../contracts/runner.ts';
import type { OnnxModel } from '../../numerics/onnx/graph.ts';
import type { DecoderOptions } from './open-decoder.ts';

/** How the items of a task are run. */
export interface ScoringRun {
  /** Default `cpu`. */
  readonly provider?: Provider;
  /** Folder that model files may pass through; default that of temporary files. */
  readonly scratch?: string;
  readonly signal?: AbortSignal;
  /** Share of the work done. */
  readonly onProgress?: (share: number) => void;
}

export function optionsOf({ provider = 'cpu', scratch }: ScoringRun): DecoderOptions {
  return { provider, threads: PROTOCOL.quality.threads, scratch };
}

/** What scoring the dense model is given; the scores go to `folder`. */
export interface DenseScoring extends ScoringRun {
  readonly dense: OnnxModel;
  readonly folder: string;
}

/** What scoring a candidate is given: with the dense model's scores on the same items. */
export interface CandidateScoring<Dense> extends ScoringRun {
  readonly candidate: OnnxModel;
  readonly denseScores: Dense;
}

export interface Scores {
  readonly items: Items;
  readonly sessionOptions: Readonly<Record<string, string | number | boolean>>;
}

/** What is measured, and where. */
import type { Provider } from '../../contracts/runner.ts';
import type { OnnxModel } from '../../numerics/onnx/graph.ts';

/** A graph, the bytes of a file, or its path; a path spares a temporary copy. */
export type ModelSource = OnnxModel | Uint8Array | string;

export interface MeasurementTask {
  /** Paths of ONNX files. */
  readonly dense: string;
  readonly candidate: string;
  readonly provider: Provider;
  readonly contextLength: number;
  readonly vocabularySize: number;
  readonly patience: Patience;
  readonly onProgress?: (share: number) => void;
}

/** How far a timing may be put off and repeated for the sake of steadiness. */
export interface Patience {
  /** Of all waiting and repeating. */
  readonly seconds: number;
  /** Look at the machine before the first timing, and not only before a noisy one is repeated. */
  readonly lookFirst: boolean;
}

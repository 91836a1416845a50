/** What is measured, and where. */
import type { Provider } from '../../contracts/runner.ts';
import type { OnnxModel } from '../../numerics/onnx/graph.ts';

/** A graph, the bytes of a file, or its path; a path spares a temporary copy. */
export type ModelSource = OnnxModel | Uint8Array | string;

export interface MeasurementTask {
  readonly dense: ModelSource;
  readonly candidate: ModelSource;
  readonly provider: Provider;
  readonly contextLength: number;
  readonly vocabularySize: number;
  readonly onProgress?: (share: number) => void;
}

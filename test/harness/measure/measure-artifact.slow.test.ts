import { describe, expect, it } from 'vitest';
import * as v from 'valibot';
import { shapeLatencySchema } from '../../../contracts/result.ts';
import { measureArtifact } from '../../../harness/measure/measure-artifact.ts';
import { writeModel } from '../../../numerics/onnx/write.ts';
import { tinyBert, tinyLlama } from '../../support/tiny-model.ts';

describe('measureArtifact', () => {
  it.each([tinyLlama(), tinyBert()])(
    'measures speed, memory and placement of $id, sequences cut to the context',
    async ({ onnx }) => {
      const shares: number[] = [];
      const measured = await measureArtifact({
        dense: onnx,
        candidate: writeModel(onnx),
        provider: 'cpu',
        contextLength: 16,
        vocabularySize: 64,
        onProgress: (share) => shares.push(share),
      });
      expect(measured.latency.map(({ shape }) => shape)).toEqual(['1x1', '8x16']);
      for (const latency of measured.latency) {
        expect(v.parse(shapeLatencySchema, latency)).toEqual(latency);
        expect(latency.samplesMs).toHaveLength(30);
        expect(Math.min(...latency.samplesMs, ...latency.denseSamplesMs)).toBeGreaterThan(0);
      }
      expect(measured.residentMemoryBytes).toBeGreaterThan(0);
      expect(measured.denseResidentMemoryBytes).toBeGreaterThan(0);
      expect(Object.keys(measured.placement.nodes)).toEqual(['CPUExecutionProvider']);
      expect(measured.sessionOptions).toMatchObject({ intraOpNumThreads: 1, executionProvider: 'cpu' });
      expect(shares.at(-1)).toBe(1);
      expect(shares).toEqual(shares.toSorted((a, b) => a - b));
    },
  );
});

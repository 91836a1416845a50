import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import * as v from 'valibot';
import { PROTOCOL } from '../../../contracts/protocol.ts';
import { shapeLatencySchema, timingSchema } from '../../../contracts/result.ts';
import { measureArtifact } from '../../../harness/measure/measure-artifact.ts';
import { allowedCores } from '../../../harness/measure/pin-process.ts';
import { writeModel } from '../../../numerics/onnx/write.ts';
import { tinyBert, tinyLlama } from '../../support/tiny-model.ts';

const folder = mkdtempSync(join(tmpdir(), 'measure-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('measureArtifact', () => {
  it.each([tinyLlama(), tinyBert()])(
    'measures speed, memory and placement of $id, sequences cut to the context',
    async ({ id, onnx }) => {
      const path = join(folder, `${id.replaceAll('/', '-')}.onnx`);
      writeFileSync(path, writeModel(onnx));
      const shares: number[] = [];
      const measured = await measureArtifact({
        dense: path,
        candidate: path,
        provider: 'cpu',
        contextLength: 16,
        vocabularySize: 64,
        patience: { seconds: 0, lookFirst: false },
        onProgress: (share) => shares.push(share),
      });
      const oneThread = ['1x1', '8x16'];
      const allCores = allowedCores().length > 1 ? oneThread.map((shape) => `${shape}-all-cores`) : [];
      expect(measured.latency.map(({ shape }) => shape)).toEqual([...oneThread, ...allCores]);
      for (const latency of measured.latency) {
        expect(v.parse(shapeLatencySchema, latency)).toEqual(latency);
        expect([...new Set(latency.processes)]).toEqual([0, 1, 2]);
        expect(latency.samplesMs.length).toBeGreaterThanOrEqual(PROTOCOL.latency.processes);
        expect(Math.min(...latency.samplesMs, ...latency.denseSamplesMs)).toBeGreaterThan(0);
      }
      expect(v.parse(timingSchema, measured.timing)).toMatchObject({ processes: 3, attempts: 1, quiet: null });
      expect(measured.residentMemoryBytes).toBeGreaterThan(0);
      expect(measured.denseResidentMemoryBytes).toBeGreaterThan(0);
      expect(Object.keys(measured.placement.nodes)).toEqual(['CPUExecutionProvider']);
      expect(measured.sessionOptions).toMatchObject({ intraOpNumThreads: 1, executionProvider: 'cpu' });
      expect(shares.at(-1)).toBe(1);
      expect(shares).toEqual(shares.toSorted((a, b) => a - b));
    },
  );

  it('reports what a timing process could not load', async () => {
    const path = join(folder, 'no-model.onnx');
    writeFileSync(path, 'no model');
    const task = {
      provider: 'cpu',
      contextLength: 16,
      vocabularySize: 64,
      patience: { seconds: 0, lookFirst: false },
    } as const;
    await expect(measureArtifact({ ...task, dense: path, candidate: path })).rejects.toThrow('no-model.onnx');
  });
});

/** A model beyond what one protobuf file holds: written, read back and run with its weights in external data. */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { describe, expect, it } from 'vitest';
import { createGraphBuilder } from '../../../numerics/onnx/builder.ts';
import { readModelFile, writeModelFile } from '../../../numerics/onnx/file.ts';
import type { OnnxModel } from '../../../numerics/onnx/graph.ts';
import { writeModel } from '../../../numerics/onnx/write.ts';
import { createSession } from '../../../engine/runtime/session.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';
import { elements, type NumericTensor, tensorOf } from '../../../numerics/tensor/tensor.ts';

const ROWS = 2 ** 17;
const COLUMNS = 1024;
/** 512 MiB each. */
const TABLES = 5;
const NEEDED_BYTES = TABLES * ROWS * COLUMNS * 4;

const { bavail, bsize } = fs.statfsSync(tmpdir());
const free = bavail * bsize;

/** y = sum of one row of each table; all tables share one memory but for a view that starts elsewhere. */
function largeModel(): OnnxModel {
  const random = createRandom('large model');
  const pattern = Float32Array.from({ length: 4099 }, () => random.normal());
  const memory = new Float32Array(ROWS * COLUMNS + TABLES);
  for (let start = 0; start < memory.length; start += pattern.length) {
    memory.set(pattern.subarray(0, Math.min(pattern.length, memory.length - start)), start);
  }
  const b = createGraphBuilder({ name: 'large' });
  const row = b.input('row', 'int64', [1]);
  const rows = Array.from({ length: TABLES }, (_, index) => {
    const values = memory.subarray(index, index + ROWS * COLUMNS);
    return b.gather(b.initializer(`table.${index}`, tensorOf('float32', [ROWS, COLUMNS], values)), row);
  });
  b.output(b.sum(rows), { name: 'y', dtype: 'float32', dims: [1, COLUMNS] });
  return b.build();
}

function hashes(model: OnnxModel): readonly string[] {
  return [...model.graph.initializers].map(([name, tensor]) => {
    if (tensor.dtype === 'string') throw new Error('no strings here');
    return `${name} ${createHash('sha256').update(tensor.bytes).digest('hex')}`;
  });
}

describe('a model of more than 2 GiB', () => {
  const what = `is written, read back the same and run through external data (${NEEDED_BYTES} bytes)`;
  it.skipIf(free < 2 * NEEDED_BYTES)(`${what}; skipped where ${tmpdir()} has less than twice that free`, async () => {
    const directory = fs.mkdtempSync(path.join(tmpdir(), 'shrinkrank-large-'));
    try {
      const file = path.join(directory, 'large.onnx');
      const model = largeModel();
      expect(() => writeModel(model)).toThrow(/use writeModelFile/);
      const sum = [...model.graph.initializers.values()].reduce(
        (total, tensor) => total + (tensor as NumericTensor).bytes.byteLength,
        0,
      );
      expect(sum).toBeGreaterThan(2 ** 31);
      expect(writeModelFile(model, file)).toEqual([file, `${file}.data`]);
      expect(fs.statSync(file).size).toBeLessThan(4096);
      expect(fs.statSync(`${file}.data`).size).toBe(NEEDED_BYTES);

      expect(hashes(readModelFile(file))).toEqual(hashes(model));

      const row = ROWS - 1;
      const session = await createSession(file, { threads: 1 });
      const { y } = await session.run({ row: tensorOf('int64', [1], BigInt64Array.of(BigInt(row))) });
      await session.release();
      const tables = [...model.graph.initializers.values()].map((tensor) => elements(tensor, 'float32'));
      const expected = Float32Array.from({ length: COLUMNS }, (_, column) =>
        tables.reduce((total, table) => Math.fround(total + (table[row * COLUMNS + column] as number)), 0),
      );
      expect(y && elements(y, 'float32')).toEqual(expected);
    } finally {
      fs.rmSync(directory, { recursive: true });
    }
  });
});

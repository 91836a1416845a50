import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InputError, IntegrityError } from '../../../contracts/errors.ts';
import { createGraphBuilder } from '../../../numerics/onnx/builder.ts';
import { readModelFile, writeModelFile } from '../../../numerics/onnx/file.ts';
import type { OnnxModel } from '../../../numerics/onnx/graph.ts';
import { createSession } from '../../../engine/runtime/session.ts';
import { elements, tensorOf } from '../../../numerics/tensor/tensor.ts';

const golden = fileURLToPath(new URL('../../golden/onnx/external', import.meta.url));

let directory: string;
beforeEach(() => {
  directory = fs.mkdtempSync(path.join(tmpdir(), 'shrinkrank-onnx-'));
});
afterEach(() => {
  fs.rmSync(directory, { recursive: true });
});

/** y = (x + a) * b with weights large enough to lie outside, and a small one. */
function smallModel(): OnnxModel {
  const b = createGraphBuilder({ name: 'small' });
  const x = b.input('x', 'float32', [1000]);
  const a = b.initializer(
    'a',
    tensorOf(
      'float32',
      [1000],
      Float32Array.from({ length: 1000 }, (_, i) => i),
    ),
  );
  const c = b.initializer(
    'c',
    tensorOf(
      'float32',
      [1000],
      Float32Array.from({ length: 1000 }, (_, i) => 1 / (i + 1)),
    ),
  );
  b.output(b.add(b.mul(b.add(x, a), c), b.scalar(3)), { name: 'y', dtype: 'float32', dims: [1000] });
  return b.build();
}

/** The golden model with one text of its external data replaced by another of the same length. */
function copyGolden(from: string, to: string): string {
  fs.cpSync(golden, directory, { recursive: true });
  const file = path.join(directory, 'model.onnx');
  const bytes = fs.readFileSync(file, 'latin1');
  expect(bytes).toContain(from);
  expect(to.length).toBe(from.length);
  fs.writeFileSync(file, bytes.replaceAll(from, to), 'latin1');
  return file;
}

describe('readModelFile', () => {
  it('reads external data by offset and length, and verifies the checksum', () => {
    const { initializers } = readModelFile(path.join(golden, 'model.onnx')).graph;
    const a = initializers.get('a');
    const b = initializers.get('b');
    expect(a && [...elements(a, 'float32')]).toEqual(Array.from({ length: 600 }, (_, i) => i));
    expect(b && [...elements(b, 'int64')]).toEqual(Array.from({ length: 300 }, (_, i) => BigInt(i)));
  });

  it('throws IntegrityError when the data do not match the checksum', () => {
    const file = copyGolden('weights.bin', 'weights.bin');
    const data = path.join(directory, 'weights.bin');
    const bytes = fs.readFileSync(data);
    bytes[5] = (bytes[5] as number) ^ 1;
    fs.writeFileSync(data, bytes);
    expect(() => readModelFile(file)).toThrow(IntegrityError);
    expect(() => readModelFile(file)).toThrow(/SHA-1 is [0-9a-f]{40}, the model states/);
  });

  it.each([
    ['an absolute path', '/etc/passwd', /leaves the model's directory/],
    ['a way up', '../weights.', /leaves the model's directory/],
    ['a way up inside', 'a/../../x.b', /leaves the model's directory/],
    ['a way up of Windows', '..\\weights.', /leaves the model's directory/],
    ['a drive', 'C:weights.b', /leaves the model's directory/],
    ['a file that is not there', 'weights.bi_', /no file "weights.bi_"/],
    ['a folder', './././././.', /is a link|is not a file/],
  ])('refuses %s', (_, location, message) => {
    const file = copyGolden('weights.bin', location);
    expect(() => readModelFile(file)).toThrow(InputError);
    expect(() => readModelFile(file)).toThrow(message);
  });

  it('refuses a link out of the directory, and follows one inside it', () => {
    const file = copyGolden('weights.bin', 'linked.data');
    const link = path.join(directory, 'linked.data');
    fs.symlinkSync(path.join(golden, 'weights.bin'), link);
    expect(() => readModelFile(file)).toThrow(/is a link that leads out/);
    fs.rmSync(link);
    fs.symlinkSync('weights.bin', link);
    expect(readModelFile(file).graph.initializers.size).toBe(2);
  });

  it('refuses data beyond the end of the file, and a length that does not match the shape', () => {
    expect(() => readModelFile(copyGolden('4096', '9096'))).toThrow(/bytes 9096 to 11496 are past its end at 6496/);
    expect(() => readModelFile(copyGolden('2400', '2404'))).toThrow(
      /length 2404, but shape and element type need 2400/,
    );
  });

  it('refuses tensors that take more bytes than the file has', () => {
    expect(() => readModelFile(copyGolden('4096', '0001'))).not.toThrow();
    // Three overlapping regions of 2,400 bytes each in a file of 6,496 would still fit; in one of 2,401 they do not.
    const file = copyGolden('4096', '0001');
    fs.truncateSync(path.join(directory, 'weights.bin'), 2401);
    const model = fs.readFileSync(file, 'latin1').replace('checksum', 'checkers');
    fs.writeFileSync(file, model, 'latin1');
    expect(() => readModelFile(file)).toThrow(/overlap and take more bytes than its 2401/);
  });

  it('names a missing file', () => {
    expect(() => readModelFile(path.join(directory, 'none.onnx'))).toThrow(/cannot open ONNX file .*none\.onnx/);
  });
});

describe('writeModelFile', () => {
  it('keeps everything in one file unless asked otherwise', () => {
    const file = path.join(directory, 'm.onnx');
    expect(writeModelFile(smallModel(), file)).toEqual([file]);
    expect(readModelFile(file)).toEqual(smallModel());
    expect(fs.readdirSync(directory)).toEqual(['m.onnx']);
  });

  it('stores large weights beside the model, aligned to pages, and onnxruntime computes the same', async () => {
    const file = path.join(directory, 'm.onnx');
    const model = smallModel();
    expect(writeModelFile(model, file, { externalFromBytes: 1024 })).toEqual([file, `${file}.data`]);
    expect(fs.statSync(file).size).toBeLessThan(1024);
    expect(fs.statSync(`${file}.data`).size).toBe(4096 + 4000);
    expect(readModelFile(file)).toEqual(model);

    const feeds = {
      x: tensorOf(
        'float32',
        [1000],
        Float32Array.from({ length: 1000 }, (_, i) => Math.sin(i)),
      ),
    };
    const inside = await createSession(model, { threads: 1 });
    const outside = await createSession(file, { threads: 1 });
    expect(await outside.run(feeds)).toEqual(await inside.run(feeds));
    await Promise.all([inside.release(), outside.release()]);
  });

  it('leaves no files behind when it fails', () => {
    const model = smallModel();
    const wrong = tensorOf('float32', [2], Float32Array.of(1, 2));
    const initializers = new Map(model.graph.initializers).set('a', { ...wrong, dims: [3] });
    const bad = { ...model, graph: { ...model.graph, initializers } };
    expect(() => writeModelFile(bad, path.join(directory, 'm.onnx'))).toThrow(InputError);
    expect(fs.readdirSync(directory)).toEqual([]);
  });
});

import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../../contracts/errors.ts';
import { countParameters } from '../../../harness/measure/count-parameters.ts';
import { embeddingWeights } from '../../../harness/measure/embedding-weights.ts';
import { operatorHistogram } from '../../../harness/measure/operators.ts';
import { measureFile, measureSize } from '../../../harness/measure/size.ts';
import { PROTOCOL } from '../../../contracts/protocol.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';
import { int } from '../../../numerics/onnx/attributes.ts';
import { createGraphBuilder, type GraphBuilder } from '../../../numerics/onnx/builder.ts';
import type { OnnxModel } from '../../../numerics/onnx/graph.ts';
import { writeModel } from '../../../numerics/onnx/write.ts';
import type { NumericDType } from '../../../numerics/tensor/dtype.ts';
import { rawTensor, tensorOf } from '../../../numerics/tensor/tensor.ts';
import { tinyLlama } from '../../support/tiny-model.ts';

/** A one-node graph over x whose node `make` adds and names `y`. */
function graphOf(make: (b: GraphBuilder, x: string) => void): OnnxModel {
  const b = createGraphBuilder({ name: 'size', opset: 21 });
  make(b, b.input('x', 'float32', [1, 8]));
  b.output('y', { dtype: 'float32', dims: [1, 'n'] });
  return b.build();
}
const bytesOf = (...values: number[]) => Uint8Array.from(values);
const packed = (dtype: NumericDType, dims: readonly number[], ...values: number[]) =>
  rawTensor(dtype, dims, bytesOf(...values));

describe('measureSize', () => {
  it('excludes the token embedding from each figure', async () => {
    const dense = tinyLlama();
    const bytes = writeModel(dense.onnx);
    const size = await measureSize(bytes, { tiedEmbedding: true });
    expect(size.fileBytes).toBe(bytes.byteLength);
    expect(size.parameters - size.parametersWithoutEmbedding).toBe(64 * 32);
    expect(size.fileBytes - size.fileBytesWithoutEmbedding).toBeGreaterThanOrEqual(64 * 32 * 4);
    expect(size.fileBytes - size.fileBytesWithoutEmbedding).toBeLessThan(64 * 32 * 4 + 64);
    expect(size.zstdBytes).toBeLessThan(size.fileBytes);
    expect(size.zstdBytesWithoutEmbedding).toBeLessThan(size.zstdBytes);
    // Two layers of seven linears and two norms, embedding, final norm, rotary tables of 32 positions and 4 angles.
    const linears = dense.linears.reduce((total, { inFeatures, outFeatures }) => total + inFeatures * outFeatures, 0);
    expect(size.parameters).toBe(linears + 4 * 32 + 64 * 32 + 32 + 2 * 32 * 4);
  });

  it('does not count a separate output layer as an embedding', async () => {
    const size = await measureSize(writeModel(tinyLlama({ tied: false }).onnx), { tiedEmbedding: false });
    expect(size.parameters - size.parametersWithoutEmbedding).toBe(64 * 32);
  });

  it('is reproducible, and zstd restores the file', async () => {
    const bytes = writeModel(tinyLlama().onnx);
    const options = { tiedEmbedding: true };
    expect(await measureFile(bytes, options)).toEqual(await measureFile(bytes, options));
    const compressed = zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: 19 } });
    expect(Math.abs((await measureSize(bytes, options)).zstdBytes - compressed.byteLength)).toBeLessThan(16);
    expect(zstdDecompressSync(compressed).equals(bytes)).toBe(true);
  });

  // 20 MiB: there zstd with workers gave no byte and no error.
  it.each([8, 20])('compresses a file of more than %d MiB at the level of large files', async (mebibytes) => {
    const weights = new Float32Array(mebibytes * 2 ** 18 + 1);
    const random = createRandom('weights');
    const some = Float32Array.from({ length: 2 ** 16 }, () => random.next());
    for (let at = 0; at < weights.length; at += some.length) weights.set(some.subarray(0, weights.length - at), at);
    const model = graphOf((b, x) => {
      const w = b.initializer('w', tensorOf('float32', [1, weights.length], weights));
      b.node('Concat', [x, w], { name: 'y', outputs: ['y'], attributes: { axis: int(1) } });
    });
    const bytes = writeModel(model);
    const compressed = zstdCompressSync(bytes, {
      params: { [constants.ZSTD_c_compressionLevel]: PROTOCOL.size.largeFileLevel },
      pledgedSrcSize: bytes.byteLength,
    });
    const { zstdBytes } = await measureSize(bytes, { tiedEmbedding: false });
    expect(zstdBytes).toBe(compressed.byteLength);
    expect(zstdDecompressSync(compressed).equals(bytes)).toBe(true);
  });

  it('refuses a file that is not a model', async () => {
    await expect(measureSize(bytesOf(1, 2, 3), { tiedEmbedding: true })).rejects.toThrow(InputError);
  });
});

describe('countParameters', () => {
  it('counts floats, with -0 as zero, but no scalars, shapes or masks', () => {
    const half = new Uint16Array([0x3c00, 0x0000, 0x8000, 0x0001]); // 1, 0, -0, the least subnormal
    const model = graphOf((b, x) => {
      b.initializer('w', tensorOf('float32', [2, 2], Float32Array.of(1, 0, -0, 1e-40)));
      b.initializer('h', rawTensor('float16', [4], new Uint8Array(half.buffer)));
      b.initializer('f8', packed('float8e4m3fn', [3], 0x80, 0x00, 0x38));
      b.initializer('scale', tensorOf('float32', [], Float32Array.of(3)));
      b.initializer('shape', tensorOf('int64', [2], BigInt64Array.of(1n, 2n)));
      b.initializer('mask', packed('bool', [4], 1, 0, 1, 0));
      b.node('Identity', [x], { name: 'y', outputs: ['y'] });
    });
    expect(countParameters(model)).toEqual({ parameters: 4 + 4 + 3, nonZero: 2 + 2 + 1 });
  });

  it('counts the codes of MatMulNBits by element, without padding and zero points', () => {
    // K = 20 in blocks of 16: two blocks, 12 padding codes. Zero points 8 (implied), codes all 8 but three.
    const codes = new Uint8Array(2 * 2 * 8).fill(0x88);
    codes[0] = 0x81; // row 0, column 0
    codes[9] = 0x18; // row 0, block 1, column 19
    codes[10] = 0x11; // row 0, padding
    codes[16] = 0x98; // row 1, column 1
    const attributes = { K: int(20), N: int(2), bits: int(4), block_size: int(16) };
    const make = (zeroPoints: boolean) =>
      graphOf((b, x) => {
        const inputs = [
          x,
          b.initializer('w', rawTensor('uint8', [2, 2, 8], codes)),
          b.initializer('scales', tensorOf('float32', [2, 2], Float32Array.of(1, 1, 1, 1))),
        ];
        // Row 0: 8 and 8; row 1: 9 and 8.
        if (zeroPoints) inputs.push(b.initializer('zero_points', packed('uint8', [2, 1], 0x88, 0x89)));
        b.node('MatMulNBits', inputs, { domain: 'com.microsoft', name: 'y', outputs: ['y'], attributes });
      });
    expect(countParameters(make(false))).toEqual({ parameters: 40, nonZero: 3 });
    // In row 1 the first 16 codes are measured against 9: all but column 1 differ.
    expect(countParameters(make(true))).toEqual({ parameters: 40, nonZero: 2 + 15 });
  });

  it('counts two-bit codes four to a byte', () => {
    const attributes = { K: int(16), N: int(1), bits: int(2), block_size: int(16) };
    const model = graphOf((b, x) => {
      const w = b.initializer('w', packed('uint8', [1, 1, 4], 0b10_10_10_10, 0b10_01_10_10, 0b10_10_10_11, 0b10101010));
      const scales = b.initializer('scales', tensorOf('float32', [1, 1], Float32Array.of(1)));
      b.node('MatMulNBits', [x, w, scales], { domain: 'com.microsoft', name: 'y', outputs: ['y'], attributes });
    });
    expect(countParameters(model)).toEqual({ parameters: 16, nonZero: 2 });
  });

  it('counts DequantizeLinear against zero points per tensor, per column and per block', () => {
    const count = (
      zeroPoint: readonly [readonly number[], ...number[]] | undefined,
      extra: { axis?: number; block?: number },
    ) =>
      countParameters(
        graphOf((b, x) => {
          const scaleDims = zeroPoint?.[0] ?? [];
          const inputs = [
            b.initializer('w', packed('int8', [4, 2], 0, 1, 1, 1, 0, 1, 0, 2)),
            b.initializer(
              'scale',
              tensorOf('float32', scaleDims, new Float32Array(scaleDims.reduce((p, d) => p * d, 1)).fill(0.5)),
            ),
          ];
          if (zeroPoint)
            inputs.push(b.initializer('zero', packed('int8', zeroPoint[0], ...zeroPoint.slice(1).map(Number))));
          const attributes = { axis: int(extra.axis ?? 1), ...(extra.block && { block_size: int(extra.block) }) };
          b.node('DequantizeLinear', inputs, { name: 'w_float', outputs: ['w_float'], attributes });
          b.node('MatMul', [x, 'w_float'], { name: 'y', outputs: ['y'] });
        }),
      );
    expect(count(undefined, {})).toEqual({ parameters: 8, nonZero: 5 });
    expect(count([[], 1], {})).toEqual({ parameters: 8, nonZero: 4 });
    expect(count([[2], 0, 1], {})).toEqual({ parameters: 8, nonZero: 1 + 1 });
    // Blocks of two rows: rows 0 and 1 against (1, 1), rows 2 and 3 against (0, 2).
    expect(count([[2, 2], 1, 1, 0, 2], { axis: 0, block: 2 })).toEqual({ parameters: 8, nonZero: 1 + 1 });
  });

  it('treats the factor of an integer product as a scale', () => {
    const model = graphOf((b, x) => {
      b.node('DynamicQuantizeLinear', [x], { name: 'q', outputs: ['codes', 'scale', 'zero'] });
      const w = b.initializer('w', packed('int8', [8, 2], ...Array.from({ length: 16 }, (_, i) => i % 2)));
      b.node('MatMulInteger', ['codes', w, 'zero'], { name: 'product', outputs: ['product'] });
      b.node('Cast', ['product'], { name: 'float', outputs: ['float'], attributes: { to: int(1) } });
      const scales = b.initializer('scales', tensorOf('float32', [2], Float32Array.of(1, 2)));
      b.node('Mul', ['scale', scales], { name: 'both', outputs: ['both'] });
      b.node('Mul', ['float', 'both'], { name: 'y', outputs: ['y'] });
    });
    expect(countParameters(model)).toEqual({ parameters: 16, nonZero: 8 });
  });

  it('counts native four-bit codes, including high nibbles and signs', () => {
    const model = graphOf((b, x) => {
      const w = b.initializer('w', packed('int4', [5], 0x80, 0x0f, 0x00));
      const scale = b.initializer('scale', tensorOf('float32', [], Float32Array.of(1)));
      b.node('DequantizeLinear', [w, scale], { name: 'w_float', outputs: ['w_float'], attributes: { axis: int(0) } });
      b.node('Mul', [x, 'w_float'], { name: 'y', outputs: ['y'] });
    });
    expect(countParameters(model)).toEqual({ parameters: 5, nonZero: 2 });
  });

  it('counts GatherBlockQuantized rows packed two to a byte against their blocks', () => {
    const attributes = { bits: int(4), block_size: int(16), gather_axis: int(0), quantize_axis: int(1) };
    const data = new Uint8Array(2 * 16).fill(0x88); // [2, 32] codes
    data[0] = 0x87;
    data[31] = 0x78;
    const model = graphOf((b, x) => {
      const ids = b.node('Cast', [x], { name: 'ids', outputs: ['ids'], attributes: { to: int(7) } })[0] as string;
      const inputs = [
        b.initializer('w', rawTensor('uint8', [2, 16], data)),
        ids,
        b.initializer('scales', tensorOf('float32', [2, 2], Float32Array.of(1, 1, 1, 1))),
        b.initializer('zeros', packed('uint8', [2, 1], 0x88, 0x78)),
      ];
      b.node('GatherBlockQuantized', inputs, { domain: 'com.microsoft', name: 'y', outputs: ['y'], attributes });
    });
    // Row 1, second block against 7: 15 of 16 codes are 8, one is 7 and so zero.
    expect(countParameters(model)).toEqual({ parameters: 64, nonZero: 1 + 15 });
  });

  it('counts a sparse initializer at its full shape and excludes given names', () => {
    const model = graphOf((b, x) => {
      b.node('Mul', [x, b.initializer('w', tensorOf('float32', [8], new Float32Array(8).fill(1)))], {
        name: 'y',
        outputs: ['y'],
      });
    });
    const sparse = {
      name: 's',
      dims: [10, 10],
      values: tensorOf('float32', [3], Float32Array.of(1, 2, 0)),
      indices: tensorOf('int64', [3], BigInt64Array.of(0n, 5n, 9n)),
    };
    const both = { ...model, graph: { ...model.graph, sparseInitializers: [sparse] } };
    expect(countParameters(both)).toEqual({ parameters: 108, nonZero: 10 });
    expect(countParameters(both, new Set(['s']))).toEqual({ parameters: 8, nonZero: 8 });
  });
});

describe('embeddingWeights', () => {
  it('finds the table by its readers, whatever its name and format', () => {
    const b = createGraphBuilder({ name: 'embedding', opset: 21 });
    const ids = b.input('input_ids', 'int64', [1, 's']);
    b.node('Unsqueeze', [ids, b.integers([0])], { name: 'wide', outputs: ['wide'] });
    const table = b.initializer('anything', packed('int8', [2, 2], 1, 2, 3, 4));
    const scale = b.initializer('scale', tensorOf('float32', [], Float32Array.of(1)));
    b.node('DequantizeLinear', [table, scale], { name: 'floats', outputs: ['floats'] });
    b.node('Gather', ['floats', 'wide'], { name: 'rows', outputs: ['rows'] });
    const head = b.initializer('head', tensorOf('float32', [2, 3], new Float32Array(6)));
    b.node('MatMul', ['rows', head], { name: 'product', outputs: ['product'] });
    b.node('Identity', ['product'], { name: 'logits', outputs: ['logits'] });
    b.output('logits', { dtype: 'float32', dims: [1, 's', 3] });
    const { graph } = b.build();
    expect([...embeddingWeights(graph, { tied: false })].sort()).toEqual(['anything', 'scale']);
    expect([...embeddingWeights(graph, { tied: true })].sort()).toEqual(['anything', 'head', 'scale']);
  });
});

describe('embeddingWeights of a table in pieces', () => {
  it('finds cores that are looked up digit by digit or multiplied out first, and no weight of a layer', () => {
    const b = createGraphBuilder({ name: 'cores', opset: 21 });
    const ids = b.input('input_ids', 'int64', [1, 's']);
    const matrix = (name: string, rows: number, columns: number) =>
      b.initializer(name, tensorOf('float32', [rows, columns], new Float32Array(rows * columns)));
    const digit = b.mod(b.div(ids, b.integers([4])), b.integers([2]));
    const first = b.gather(b.transpose(matrix('first', 3, 2), [1, 0]), digit);
    const second = b.gather(b.matmul(matrix('left', 5, 2), matrix('right', 2, 3)), ids);
    const hidden = b.matmul(b.add(first, second), matrix('layer', 3, 3));
    b.output(b.matmul(hidden, matrix('head', 3, 4), { name: 'logits' }), { dtype: 'float32', dims: [1, 's', 4] });
    const { graph } = b.build();
    expect([...embeddingWeights(graph, { tied: false })].sort()).toEqual(['first', 'left', 'right']);
    expect([...embeddingWeights(graph, { tied: true })].sort()).toEqual(['first', 'head', 'left', 'right']);
  });
});

describe('operatorHistogram', () => {
  it('counts by operator, prefixed by domain for non-standard ones', () => {
    const operators = operatorHistogram(tinyLlama().onnx);
    expect(operators['Gather']).toBe(1);
    expect(operators['MatMul']).toBe(2 * (7 + 2) + 1);
    const model = graphOf((b, x) => {
      b.node('Gelu', [x], { domain: 'com.microsoft', name: 'y', outputs: ['y'] });
    });
    expect(operatorHistogram(model)).toEqual({ 'com.microsoft:Gelu': 1 });
  });
});

/** The sizes of one artifact: bytes of the file, bytes as shipped (zstd), parameters; each also without the token embedding. */
import { promisify } from 'node:util';
import { constants, zstdCompress } from 'node:zlib';
import { PROTOCOL } from '../../contracts/protocol.ts';
import type { Artifact, Size } from '../../contracts/result.ts';
import type { OnnxModel } from '../../numerics/onnx/graph.ts';
import { readModel } from '../../numerics/onnx/read.ts';
import { writeModel } from '../../numerics/onnx/write.ts';
import { countParameters } from './count-parameters.ts';
import { embeddingWeights } from './embedding-weights.ts';
import { foldPackedWeights } from './fold-packed-weights.ts';
import { operatorHistogram } from './operators.ts';

const compress = promisify(zstdCompress);

export interface SizeOptions {
  /** Whether the dense model's output layer is its embedding transposed; see embeddingWeights(). */
  readonly tiedEmbedding: boolean;
}

/** Sizes and operators of an ONNX file. Throws InputError when the bytes are no ONNX model. */
export async function measureFile(
  bytes: Uint8Array,
  options: SizeOptions,
): Promise<Pick<Artifact, 'size' | 'operators'>> {
  const model = readModel(bytes);
  return { size: await sizeOf(bytes, model, options), operators: operatorHistogram(model) };
}

/** Sizes of an ONNX file. Throws InputError when the bytes are no ONNX model. */
export async function measureSize(bytes: Uint8Array, options: SizeOptions): Promise<Size> {
  return sizeOf(bytes, readModel(bytes), options);
}

async function sizeOf(bytes: Uint8Array, model: OnnxModel, options: SizeOptions): Promise<Size> {
  const embedding = embeddingWeights(model.graph, { tied: options.tiedEmbedding });
  const rest = writeModel(withoutInitializers(model, embedding));
  // Both at once: zlib works in threads of its own.
  const [zstd, zstdOfRest] = await Promise.all([zstdBytes(bytes), zstdBytes(rest)]);
  const unpacked = await foldPackedWeights(model);
  const all = countParameters(unpacked);
  const others = countParameters(unpacked, embeddingWeights(unpacked.graph, { tied: options.tiedEmbedding }));
  return {
    fileBytes: bytes.byteLength,
    fileBytesWithoutEmbedding: rest.byteLength,
    zstdBytes: zstd,
    zstdBytesWithoutEmbedding: zstdOfRest,
    parameters: all.parameters,
    parametersWithoutEmbedding: others.parameters,
    nonZeroParameters: all.nonZero,
    nonZeroParametersWithoutEmbedding: others.nonZero,
  };
}

async function zstdBytes(bytes: Uint8Array): Promise<number> {
  const params = { [constants.ZSTD_c_compressionLevel]: PROTOCOL.size.zstdLevel };
  return (await compress(bytes, { params, pledgedSrcSize: bytes.byteLength })).byteLength;
}

/** The file without some weights: no valid model, but the bytes that remain when they are not shipped. */
function withoutInitializers(model: OnnxModel, names: ReadonlySet<string>): OnnxModel {
  const initializers = new Map([...model.graph.initializers].filter(([name]) => !names.has(name)));
  return { ...model, graph: { ...model.graph, initializers } };
}

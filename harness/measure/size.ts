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
  /** Whether the dense model ties its output layer to its embedding; see embeddingWeights(). */
  readonly tiedEmbedding: boolean;
}

/** Sizes and operators of an ONNX file. Throws InputError when the bytes are not an ONNX model. */
export async function measureFile(
  bytes: Uint8Array,
  options: SizeOptions,
): Promise<Pick<Artifact, 'size' | 'operators'>> {
  const model = readModel(bytes);
  return { size: await sizeOf(bytes, model, options), operators: operatorHistogram(model) };
}

/** Sizes of an ONNX file. Throws InputError when the bytes are not an ONNX model. */
export async function measureSize(bytes: Uint8Array, options: SizeOptions): Promise<Size> {
  return sizeOf(bytes, readModel(bytes), options);
}

async function sizeOf(bytes: Uint8Array, model: OnnxModel, options: SizeOptions): Promise<Size> {
  const embedding = embeddingWeights(model.graph, { tied: options.tiedEmbedding });
  const rest = writeModel(withoutInitializers(model, embedding));
  // In parallel: zlib runs on its own threads.
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
  return (await compress(bytes, { params: zstdParams(bytes.byteLength), pledgedSrcSize: bytes.byteLength })).byteLength;
}

/**
 * One thread: with workers (ZSTD_c_nbWorkers) Node 24 ends some buffers of more than 16 MiB after no byte, without an error.
 * Levels above 12 search for long repetitions, of which weights have none, at 30 times the time.
 */
function zstdParams(fileBytes: number): Record<number, number> {
  const { smallFileBytes, smallFileLevel, largeFileLevel } = PROTOCOL.size;
  return { [constants.ZSTD_c_compressionLevel]: fileBytes <= smallFileBytes ? smallFileLevel : largeFileLevel };
}

/** The file's bytes without some weights. Not a valid model; used for sizes only. */
function withoutInitializers(model: OnnxModel, names: ReadonlySet<string>): OnnxModel {
  const initializers = new Map([...model.graph.initializers].filter(([name]) => !names.has(name)));
  return { ...model, graph: { ...model.graph, initializers } };
}

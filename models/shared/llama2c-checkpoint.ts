/**
 * Reads llama2.c's checkpoint file, version 0 (no magic): seven int32, then float32 weights in a fixed order.
 * Source: https://github.com/karpathy/llama2.c, export.py legacy_export() and run.c memory_map_weights().
 * Linear weights are stored [out, in] and returned [in, out]; the two tables of rotary frequencies at the end are
 * skipped, as in run.c.
 */
import { InputError } from '../../contracts/errors.ts';
import { present } from '../../contracts/present.ts';
import type { LlamaConfig, LlamaWeights } from './llama-graph.ts';
import { transpose } from './transpose.ts';

const HEADER_INTEGERS = 7;

/**
 * Largest accepted header field, so that another kind of file is refused before sizes are multiplied: vocabularies are
 * below 2^18.
 */
const MAX_HEADER_VALUE = 2 ** 20;

export interface Llama2cCheckpoint {
  readonly config: LlamaConfig;
  readonly weights: LlamaWeights;
}

/** Throws InputError when the bytes are not exactly one such checkpoint. */
export function readLlama2cCheckpoint(bytes: Uint8Array): Llama2cCheckpoint {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  const header = readHeader(aligned);
  const { width, hiddenWidth, layerCount, heads, keyValueHeads, vocabularySize, contextLength, tied } = header;
  const headWidth = width / heads;
  const values = new Float32Array(
    aligned.buffer,
    aligned.byteOffset + HEADER_INTEGERS * 4,
    Math.floor(aligned.byteLength / 4) - HEADER_INTEGERS,
  );
  let offset = 0;
  const take = (count: number): Float32Array => values.subarray(offset, (offset += count));
  const perLayer = (count: number): Float32Array[] => Array.from({ length: layerCount }, () => take(count));
  const linears = (inFeatures: number, outFeatures: number): Float32Array[] =>
    perLayer(inFeatures * outFeatures).map((weight) => transpose(weight, outFeatures, inFeatures));

  const keyValueWidth = keyValueHeads * headWidth;
  const embedding = take(vocabularySize * width); // [vocabulary, width]
  const attentionNorm = perLayer(width);
  const q = linears(width, width);
  const k = linears(width, keyValueWidth);
  const v = linears(width, keyValueWidth);
  const o = linears(width, width);
  const feedForwardNorm = perLayer(width);
  const gate = linears(width, hiddenWidth);
  const down = linears(hiddenWidth, width);
  const up = linears(width, hiddenWidth);
  const finalNorm = take(width);
  take(contextLength * headWidth); // cosines and sines, [context, headWidth / 2] each
  const head = tied ? undefined : transpose(take(vocabularySize * width), vocabularySize, width);

  const expected = (HEADER_INTEGERS + offset) * 4;
  if (expected !== bytes.byteLength) {
    throw new InputError(
      `llama2.c checkpoint: expected ${expected} bytes according to its header, got ${bytes.byteLength}; fetch it again`,
    );
  }
  const layers = attentionNorm.map((norm, layer) => ({
    attentionNorm: norm,
    q: at(q, layer),
    k: at(k, layer),
    v: at(v, layer),
    o: at(o, layer),
    feedForwardNorm: at(feedForwardNorm, layer),
    gate: at(gate, layer),
    up: at(up, layer),
    down: at(down, layer),
  }));
  return {
    config: {
      width,
      hiddenWidth,
      heads,
      keyValueHeads,
      vocabularySize,
      contextLength,
      normEpsilon: 1e-5,
      rotaryBase: 10_000,
    },
    weights: { embedding, layers, finalNorm, ...(head && { head }) },
  };
}

function readHeader(bytes: Uint8Array) {
  if (bytes.byteLength < HEADER_INTEGERS * 4) {
    throw new InputError(`llama2.c checkpoint: ${bytes.byteLength} bytes are too few for its header; fetch it again`);
  }
  const fields = Array.from(new Int32Array(bytes.buffer, bytes.byteOffset, HEADER_INTEGERS));
  const [width, hiddenWidth, layerCount, heads, keyValueHeads, signedVocabulary, contextLength] = fields as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const vocabularySize = Math.abs(signedVocabulary);
  const sizes = [width, hiddenWidth, layerCount, heads, keyValueHeads, vocabularySize, contextLength];
  const divides = width % heads === 0 && (width / heads) % 2 === 0 && heads % keyValueHeads === 0;
  if (sizes.some((size) => size < 1 || size > MAX_HEADER_VALUE) || !divides) {
    throw new InputError(
      `llama2.c checkpoint: header ${fields.join(', ')} is not that of a version 0 file; export the model with \`--version 0\``,
    );
  }
  return {
    width,
    hiddenWidth,
    layerCount,
    heads,
    keyValueHeads,
    vocabularySize,
    contextLength,
    tied: signedVocabulary > 0,
  };
}

function at<T>(items: readonly T[], index: number): T {
  return present(items[index], 'items[index]');
}

/**
 * Llama in float64 straight from the bytes of a llama2.c checkpoint, one position at a time as run.c's forward() does;
 * shares no code with models/. And the writer of such files, for models made up in tests.
 */
import type { LlamaConfig, LlamaWeights } from '../../models/shared/llama-graph.ts';

/** Logits of every position, each [vocabulary]. */
export function llama2cLogits(file: Uint8Array, tokens: readonly number[]): Float64Array[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const header = [0, 1, 2, 3, 4, 5, 6].map((index) => view.getInt32(index * 4, true)) as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const [dim, hiddenDim, layers, heads, keyValueHeads, signedVocabulary, sequenceLimit] = header;
  const vocabulary = Math.abs(signedVocabulary);
  const headSize = dim / heads;
  const keyValueDim = headSize * keyValueHeads;
  let at = 28;
  const section = (count: number): number => {
    const start = at;
    at += count * 4;
    return start;
  };
  const embedding = section(vocabulary * dim);
  const attentionNorm = section(layers * dim);
  const wq = section(layers * dim * dim);
  const wk = section(layers * dim * keyValueDim);
  const wv = section(layers * dim * keyValueDim);
  const wo = section(layers * dim * dim);
  const feedForwardNorm = section(layers * dim);
  const w1 = section(layers * dim * hiddenDim);
  const w2 = section(layers * dim * hiddenDim);
  const w3 = section(layers * dim * hiddenDim);
  const finalNorm = section(dim);
  section(sequenceLimit * headSize);
  const classifier = signedVocabulary > 0 ? embedding : section(vocabulary * dim);
  const read = (start: number, index: number): number => view.getFloat32(start + index * 4, true);

  /** W x for W [rows, columns] at `start`. */
  function multiply(start: number, x: Float64Array, rows: number): Float64Array {
    const result = new Float64Array(rows);
    for (let row = 0; row < rows; row++) {
      let sum = 0;
      for (let column = 0; column < x.length; column++)
        sum += read(start, row * x.length + column) * (x[column] as number);
      result[row] = sum;
    }
    return result;
  }
  function normalize(x: Float64Array, start: number): Float64Array {
    const scale = 1 / Math.sqrt(x.reduce((sum, value) => sum + value * value, 0) / x.length + 1e-5);
    return x.map((value, index) => read(start, index) * scale * value);
  }
  function rotate(x: Float64Array, position: number): void {
    for (let i = 0; i < x.length; i += 2) {
      const angle = position / 10_000 ** ((i % headSize) / headSize);
      const [a, b] = [x[i] as number, x[i + 1] as number];
      x[i] = a * Math.cos(angle) - b * Math.sin(angle);
      x[i + 1] = a * Math.sin(angle) + b * Math.cos(angle);
    }
  }

  const keys: Float64Array[][] = Array.from({ length: layers }, () => []);
  const values: Float64Array[][] = Array.from({ length: layers }, () => []);
  return tokens.map((token, position) => {
    const x = Float64Array.from({ length: dim }, (_, index) => read(embedding, token * dim + index));
    for (let layer = 0; layer < layers; layer++) {
      const before = normalize(x, attentionNorm + layer * dim * 4);
      const q = multiply(wq + layer * dim * dim * 4, before, dim);
      const k = multiply(wk + layer * dim * keyValueDim * 4, before, keyValueDim);
      rotate(q, position);
      rotate(k, position);
      (keys[layer] as Float64Array[]).push(k);
      (values[layer] as Float64Array[]).push(multiply(wv + layer * dim * keyValueDim * 4, before, keyValueDim));
      const mixed = new Float64Array(dim);
      for (let head = 0; head < heads; head++) {
        const shared = Math.floor(head / (heads / keyValueHeads)) * headSize;
        const scores = (keys[layer] as Float64Array[]).map((key) => {
          let dot = 0;
          for (let i = 0; i < headSize; i++) dot += (q[head * headSize + i] as number) * (key[shared + i] as number);
          return dot / Math.sqrt(headSize);
        });
        const largest = scores.reduce((a, b) => Math.max(a, b));
        const weights = scores.map((score) => Math.exp(score - largest));
        const total = weights.reduce((a, b) => a + b);
        for (const [past, weight] of weights.entries()) {
          const value = (values[layer] as Float64Array[])[past] as Float64Array;
          for (let i = 0; i < headSize; i++) {
            mixed[head * headSize + i] =
              (mixed[head * headSize + i] as number) + (weight / total) * (value[shared + i] as number);
          }
        }
      }
      addTo(x, multiply(wo + layer * dim * dim * 4, mixed, dim));
      const feed = normalize(x, feedForwardNorm + layer * dim * 4);
      const gate = multiply(w1 + layer * dim * hiddenDim * 4, feed, hiddenDim);
      const up = multiply(w3 + layer * dim * hiddenDim * 4, feed, hiddenDim);
      const hidden = gate.map((value, index) => (value / (1 + Math.exp(-value))) * (up[index] as number));
      addTo(x, multiply(w2 + layer * dim * hiddenDim * 4, hidden, dim));
    }
    return multiply(classifier, normalize(x, finalNorm), vocabulary);
  });
}

function addTo(x: Float64Array, addend: Float64Array): void {
  for (let index = 0; index < x.length; index++) x[index] = (x[index] as number) + (addend[index] as number);
}

/** The version 0 checkpoint of a model: linear weights [in, out] are written as [out, in]. */
export function llama2cFile(config: LlamaConfig, weights: LlamaWeights): Uint8Array {
  const { width, hiddenWidth, heads, keyValueHeads, vocabularySize, contextLength } = config;
  const keyValueWidth = (width / heads) * keyValueHeads;
  const tied = weights.head === undefined;
  const header = [
    width,
    hiddenWidth,
    weights.layers.length,
    heads,
    keyValueHeads,
    tied ? vocabularySize : -vocabularySize,
    contextLength,
  ];
  const swapped = (matrix: Float32Array, outFeatures: number): Float32Array => {
    const inFeatures = matrix.length / outFeatures;
    return matrix.map(
      (_, index) => matrix[(index % inFeatures) * outFeatures + Math.floor(index / inFeatures)] as number,
    );
  };
  const { layers } = weights;
  const parts = [
    weights.embedding,
    ...layers.map((layer) => layer.attentionNorm),
    ...layers.map((layer) => swapped(layer.q, width)),
    ...layers.map((layer) => swapped(layer.k, keyValueWidth)),
    ...layers.map((layer) => swapped(layer.v, keyValueWidth)),
    ...layers.map((layer) => swapped(layer.o, width)),
    ...layers.map((layer) => layer.feedForwardNorm),
    ...layers.map((layer) => swapped(layer.gate, hiddenWidth)),
    ...layers.map((layer) => swapped(layer.down, width)),
    ...layers.map((layer) => swapped(layer.up, hiddenWidth)),
    weights.finalNorm,
    // Readers skip the tables of frequencies.
    new Float32Array((contextLength * width) / heads).fill(Number.NaN),
    ...(weights.head ? [swapped(weights.head, vocabularySize)] : []),
  ];
  return Buffer.concat(
    [Int32Array.from(header), ...parts].map((part) => Buffer.from(part.buffer, part.byteOffset, part.byteLength)),
  );
}

/** GPT-2 and BERT in plain float64 loops over rows of numbers, written from the papers and not from the graphs. */
import type { BertConfig, BertWeights } from '../../models/shared/bert-weights.ts';
import type { GptConfig, GptWeights } from '../../models/shared/gpt-weights.ts';
import type { NormWeights } from '../../models/shared/layer-norm.ts';
import type { LinearWeights } from '../../models/shared/linear-layer.ts';

/** [sequence][features] */
type Rows = readonly (readonly number[])[];

/** Logits of every position, [sequence][vocabulary]. */
export function gptReference(config: GptConfig, weights: GptWeights, tokens: readonly number[]): Rows {
  const { width, heads, normEpsilon, vocabularySize } = config;
  let rows = embed(weights, tokens, width);
  for (const layer of weights.layers) {
    const entered = normalise(rows, layer.attentionNorm, normEpsilon);
    const heard = attention(linear(entered, layer.q), linear(entered, layer.k), linear(entered, layer.v), {
      heads,
      sees: (from, to) => to <= from,
    });
    rows = sum(rows, linear(heard, layer.o));
    const hidden = map(linear(normalise(rows, layer.feedForwardNorm, normEpsilon), layer.up), geluTanh);
    rows = sum(rows, linear(hidden, layer.down));
  }
  return normalise(rows, weights.finalNorm, normEpsilon).map((row) =>
    Array.from({ length: vocabularySize }, (_, token) =>
      row.reduce((total, value, i) => total + value * (weights.embedding[token * width + i] as number), 0),
    ),
  );
}

/** Logits of the classes. */
export function bertReference(
  config: BertConfig,
  weights: BertWeights,
  { tokens, mask }: { readonly tokens: readonly number[]; readonly mask: readonly number[] },
): readonly number[] {
  const { width, heads, normEpsilon } = config;
  let rows = normalise(embed(weights, tokens, width), weights.embeddingNorm, normEpsilon);
  for (const layer of weights.layers) {
    const heard = attention(linear(rows, layer.q), linear(rows, layer.k), linear(rows, layer.v), {
      heads,
      sees: (_, to) => mask[to] === 1,
    });
    rows = normalise(sum(rows, linear(heard, layer.o)), layer.attentionNorm, normEpsilon);
    const fed = linear(map(linear(rows, layer.up), geluErf), layer.down);
    rows = normalise(sum(rows, fed), layer.feedForwardNorm, normEpsilon);
  }
  const pooled = map(linear(rows.slice(0, 1), weights.pooler), Math.tanh);
  return linear(pooled, weights.classifier)[0] as readonly number[];
}

function embed(
  { embedding, positions }: { readonly embedding: Float32Array; readonly positions: Float32Array },
  tokens: readonly number[],
  width: number,
): Rows {
  return tokens.map((token, at) =>
    Array.from(
      { length: width },
      (_, i) => (embedding[token * width + i] as number) + (positions[at * width + i] as number),
    ),
  );
}

function linear(rows: Rows, { weight, bias }: LinearWeights): Rows {
  const out = bias.length;
  return rows.map((row) =>
    Array.from(bias, (start, o) =>
      row.reduce((total, value, i) => total + value * (weight[i * out + o] as number), start),
    ),
  );
}

function normalise(rows: Rows, { weight, bias }: NormWeights, epsilon: number): Rows {
  return rows.map((row) => {
    const mean = row.reduce((total, value) => total + value, 0) / row.length;
    const variance = row.reduce((total, value) => total + (value - mean) ** 2, 0) / row.length;
    return row.map(
      (value, i) => ((value - mean) / Math.sqrt(variance + epsilon)) * (weight[i] as number) + (bias[i] as number),
    );
  });
}

function attention(
  q: Rows,
  k: Rows,
  v: Rows,
  { heads, sees }: { readonly heads: number; readonly sees: (from: number, to: number) => boolean },
): Rows {
  const headWidth = (q[0] as readonly number[]).length / heads;
  return q.map((query, from) =>
    Array.from({ length: heads }, (_, head) => {
      const part = (row: readonly number[]) => row.slice(head * headWidth, (head + 1) * headWidth);
      const scores = k.map((key, to) =>
        sees(from, to)
          ? part(key).reduce((total, value, i) => total + value * (part(query)[i] as number), 0) / Math.sqrt(headWidth)
          : -Infinity,
      );
      const largest = Math.max(...scores);
      const powers = scores.map((score) => Math.exp(score - largest));
      const total = powers.reduce((a, b) => a + b, 0);
      return Array.from({ length: headWidth }, (_, i) =>
        v.reduce((mixed, value, to) => mixed + ((powers[to] as number) / total) * (part(value)[i] as number), 0),
      );
    }).flat(),
  );
}

function sum(a: Rows, b: Rows): Rows {
  return a.map((row, at) => row.map((value, i) => value + (b[at]?.[i] as number)));
}

function map(rows: Rows, of: (value: number) => number): Rows {
  return rows.map((row) => row.map(of));
}

function geluTanh(x: number): number {
  return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
}

function geluErf(x: number): number {
  return 0.5 * x * (1 + erf(x / Math.SQRT2));
}

/** Its Maclaurin series, which float64 sums to 1e-10 or better for |x| below 5. */
function erf(x: number): number {
  if (Math.abs(x) > 5) return Math.sign(x);
  let power = x;
  let total = x;
  for (let n = 1; n < 120; n++) {
    power *= (-x * x) / n;
    total += power / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * total;
}

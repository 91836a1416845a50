/** Scores of the tokens of one sequence by the heads of one or two decoders, block by block. */
import { NumericalError } from '../../contracts/errors.ts';
import { present } from '../../contracts/present.ts';
import { PROTOCOL } from '../../contracts/protocol.ts';
import { createMappedSession } from '../../engine/runtime/mapped-session.ts';
import { elements, type NumericTensor, rawTensor, tensorOf } from '../../numerics/tensor/tensor.ts';
import type { DecoderHead, DecoderOptions, HeadValues } from './open-decoder.ts';
import { DENSE_PREFIX, SCORE_OUTPUTS, TARGETS, pairedScoringGraph, singleScoringGraph } from './scoring-head.ts';

export interface TokenScores {
  readonly negativeLogLikelihood: Float32Array;
  /** The most probable token at each position. */
  readonly top: BigInt64Array;
}

export interface PairedTokenScores extends TokenScores {
  readonly denseNegativeLogLikelihood: Float32Array;
  readonly denseTop: BigInt64Array;
  readonly klDivergence: Float32Array;
}

interface Scorer<Values extends readonly HeadValues[], Scores> {
  /** Scores the prediction of each target from the row of `values` at the same position. */
  score(targets: Int32Array, ...values: Values): Promise<Scores>;
  release(): Promise<void>;
}

export async function openScorer(
  head: DecoderHead,
  options: DecoderOptions,
): Promise<Scorer<[HeadValues], TokenScores>> {
  const { runBlocks, release } = await openHead(singleScoringGraph(head.model), options);
  return {
    async score(targets, values) {
      const outputs = await runBlocks(targets, (block) => blockOf(head, values, block));
      return tokenScores(outputs);
    },
    release,
  };
}

/** Throws UnsupportedError for heads that cannot be merged into one graph. */
export async function openPairedScorer(
  heads: { readonly dense: DecoderHead; readonly candidate: DecoderHead },
  options: DecoderOptions,
): Promise<Scorer<[candidate: HeadValues, dense: HeadValues], PairedTokenScores>> {
  const models = { dense: heads.dense.model, candidate: heads.candidate.model };
  const { runBlocks, release } = await openHead(pairedScoringGraph(models), options);
  return {
    async score(targets, candidate, dense) {
      const outputs = await runBlocks(targets, (block) => ({
        ...blockOf(heads.candidate, candidate, block),
        ...blockOf(heads.dense, dense, block, DENSE_PREFIX),
      }));
      return {
        ...tokenScores(outputs),
        denseNegativeLogLikelihood: floats(outputs, SCORE_OUTPUTS.denseNegativeLogLikelihood),
        denseTop: integers(outputs, SCORE_OUTPUTS.denseTop),
        klDivergence: floats(outputs, SCORE_OUTPUTS.klDivergence),
      };
    },
    release,
  };
}

interface Block {
  readonly start: number;
  readonly end: number;
}
type Outputs = Readonly<Record<string, NumericTensor>>;

async function openHead(graph: Parameters<typeof createMappedSession>[0], { scratch, ...options }: DecoderOptions) {
  const session = await createMappedSession(graph, { ...options, ...(scratch && { scratch }) });
  return {
    async runBlocks(targets: Int32Array, feeds: (block: Block) => HeadValues): Promise<readonly Outputs[]> {
      const outputs: Outputs[] = [];
      for (const block of evenBlocks(targets.length)) {
        const ids = BigInt64Array.from(targets.subarray(block.start, block.end), BigInt);
        outputs.push(await session.run({ ...feeds(block), [TARGETS]: tensorOf('int64', [1, ids.length], ids) }));
      }
      return outputs;
    },
    release: () => session.release(),
  };
}

/** Blocks of nearly equal size, so that none is a single row, for which onnxruntime has other kernels. */
export function evenBlocks(rows: number): Block[] {
  const count = Math.ceil(rows / PROTOCOL.quality.tokensPerBlock);
  const border = (index: number): number => Math.floor((index * rows) / count);
  return Array.from({ length: count }, (_, index) => ({ start: border(index), end: border(index + 1) }));
}

function blockOf({ inputs }: DecoderHead, values: HeadValues, { start, end }: Block, prefix = ''): HeadValues {
  const valueOf = (name: string): NumericTensor => present(values[name], `value ${name}`);
  return Object.fromEntries([
    ...inputs.rows.map((name) => [prefix + name, rowsOf(valueOf(name), start, end)] as const),
    ...inputs.wholes.map((name) => [prefix + name, valueOf(name)] as const),
  ]);
}

/** The rows of values that predict the tokens from `start` on, as views of the same memory. */
export function rowsBefore({ inputs }: DecoderHead, values: HeadValues, start: number): HeadValues {
  const rows = inputs.rows.map((name) => {
    const value = present(values[name], `value ${name}`);
    return [name, rowsOf(value, start - 1, value.dims[1] ?? 0)] as const;
  });
  return { ...values, ...Object.fromEntries(rows) };
}

/** Rows of a tensor [1, rows, features], over the same memory. */
function rowsOf({ dtype, dims, bytes }: NumericTensor, start: number, end: number): NumericTensor {
  const [, rows = 0, features = 0] = dims;
  const rowBytes = bytes.byteLength / rows;
  return rawTensor(dtype, [1, end - start, features], bytes.subarray(start * rowBytes, end * rowBytes));
}

function tokenScores(outputs: readonly Outputs[]): TokenScores {
  return {
    negativeLogLikelihood: floats(outputs, SCORE_OUTPUTS.negativeLogLikelihood),
    top: integers(outputs, SCORE_OUTPUTS.top),
  };
}

function floats(outputs: readonly Outputs[], name: string): Float32Array {
  return Float32Array.from(outputs.flatMap((block) => [...elements(present(block[name], name), 'float32')]));
}

function integers(outputs: readonly Outputs[], name: string): BigInt64Array {
  return BigInt64Array.from(outputs.flatMap((block) => [...elements(present(block[name], name), 'int64')]));
}

/** Sum in float64. A non-finite logit anywhere in the vocabulary makes the loss or the divergence of its token non-finite. */
export function finiteSum(values: Float32Array, id: string, what: string): number {
  let total = 0;
  for (const [t, value] of values.entries()) {
    if (!Number.isFinite(value)) {
      throw new NumericalError(
        `item ${id}: ${what} at token ${t + 1} of ${values.length} predicted ones is ${value}; ` +
          'the logits are not finite there, or too far apart for float32',
      );
    }
    total += value;
  }
  return total;
}

/**
 * Whether an artifact is valid: it loads, has the dense model's interface, returns finite logits of the right shape,
 * and has fewer bytes than dense, as a file or as shipped. A breach is published as the reason, not thrown.
 */
import { BenchError } from '../../contracts/errors.ts';
import { present } from '../../contracts/present.ts';
import type { Model } from '../../engine/definitions/model.ts';
import type { Artifact, Size } from '../../contracts/result.ts';
import { measureFile } from '../measure/size.ts';
import type { OnnxModel, ValueInfo } from '../../numerics/onnx/graph.ts';
import { readModel } from '../../numerics/onnx/read.ts';
import { createSession, type Session } from '../../engine/runtime/session.ts';
import { probeTokens, tokenFeeds } from '../../engine/runtime/token-feeds.ts';
import { createHash } from 'node:crypto';
import { describeTensor, elements } from '../../numerics/tensor/tensor.ts';

/** A file larger than this multiple of the dense file is rejected. */
export const LARGEST_FILE_RATIO = 4;

/** Smallest saving that counts as smaller: reordering equal weights already changes the zstd size by a few bytes. */
export const LEAST_SAVING = 0.001;

export type ContractCheck =
  | { readonly status: 'valid'; readonly model: OnnxModel; readonly artifact: Artifact }
  | { readonly status: 'invalid'; readonly reason: string };

export interface ContractParams {
  readonly dense: Pick<Model, 'id' | 'onnx' | 'contextLength' | 'roles'>;
  readonly artifactBytes: Uint8Array;
  readonly denseSize: Size;
  /** Controls may be as large as dense. */
  readonly control: boolean;
  /** Threads of the probing session. */
  readonly threads?: number;
}

/** Checks the bytes of an artifact and measures its size on the way. */
export async function checkArtifact(params: ContractParams): Promise<ContractCheck> {
  try {
    return await check(params);
  } catch (error) {
    if (error instanceof BreachError || error instanceof BenchError)
      return { status: 'invalid', reason: error.message };
    throw error;
  }
}

/** Ends the check with a reason; caught in this file. */
class BreachError extends Error {}

async function check({
  dense,
  artifactBytes,
  denseSize,
  control,
  threads = 2,
}: ContractParams): Promise<ContractCheck> {
  const limit = LARGEST_FILE_RATIO * denseSize.fileBytes;
  if (artifactBytes.byteLength > limit) {
    throw new BreachError(
      `the artifact has ${artifactBytes.byteLength} bytes, more than ${LARGEST_FILE_RATIO} times dense (${denseSize.fileBytes})`,
    );
  }
  const model = readArtifact(artifactBytes);
  requireInterface(dense.onnx, model);
  await requireFiniteLogits({ dense, artifactBytes, threads });
  const { size, operators } = await measureFile(artifactBytes, { tiedEmbedding: dense.roles.head === undefined });
  if (!control) requireSmaller(size, denseSize);
  const sha256 = createHash('sha256').update(artifactBytes).digest('hex');
  return { status: 'valid', model, artifact: { sha256, size, operators } };
}

function readArtifact(bytes: Uint8Array): OnnxModel {
  try {
    return readModel(bytes);
  } catch (error) {
    throw new BreachError(
      `the artifact is not a readable ONNX model: ${error instanceof Error ? error.message : error}`,
    );
  }
}

function requireInterface(dense: OnnxModel, artifact: OnnxModel): void {
  for (const side of ['inputs', 'outputs'] as const) {
    const expected = interfaceOf(dense, side);
    const got = interfaceOf(artifact, side);
    if (expected !== got) {
      throw new BreachError(`the artifact changes the model's ${side}: expected ${expected}; got ${got}`);
    }
  }
}

/** Names, element types and ranks. Initializers that old files also list as inputs are excluded. */
function interfaceOf(model: OnnxModel, side: 'inputs' | 'outputs'): string {
  return model.graph[side]
    .filter(({ name }) => side === 'outputs' || !model.graph.initializers.has(name))
    .map(describeValue)
    .sort()
    .join(', ');
}

function describeValue({ name, type }: ValueInfo): string {
  if (type?.kind !== 'tensor') return `${name}: ${type?.kind ?? 'untyped'}`;
  const rank = type.dims === undefined ? 'unknown rank' : `rank ${type.dims.length}`;
  return `${name}: ${type.dtype ?? 'unknown type'} of ${rank}`;
}

/** Bytes of the file or as shipped. Parameters do not count, since weights may be where no count finds them. */
const MEASURES = ['fileBytes', 'zstdBytes'] as const satisfies readonly (keyof Size)[];

function requireSmaller(size: Size, denseSize: Size): void {
  if (MEASURES.some((measure) => size[measure] <= (1 - LEAST_SAVING) * denseSize[measure])) return;
  const figures = MEASURES.map((measure) => `${measure} ${size[measure]} (dense ${denseSize[measure]})`).join(', ');
  throw new BreachError(
    `the artifact is not at least ${LEAST_SAVING * 100} % smaller than dense, as a file or as shipped: ${figures}`,
  );
}

async function requireFiniteLogits(params: {
  readonly dense: ContractParams['dense'];
  readonly artifactBytes: Uint8Array;
  readonly threads: number;
}): Promise<void> {
  const { dense, artifactBytes, threads } = params;
  const session = await createSession(artifactBytes, { threads });
  try {
    for (const [batch, sequence] of probeShapes(dense.contextLength)) await probe({ session, dense, batch, sequence });
  } finally {
    await session.release();
  }
}

/** One token, an odd batch of a short odd length, and the longest sequence. */
function probeShapes(contextLength: number): (readonly [batch: number, sequence: number])[] {
  return [
    [1, 1],
    [2, Math.min(7, contextLength)],
    [1, contextLength],
  ];
}

async function probe(params: {
  readonly session: Session;
  readonly dense: ContractParams['dense'];
  readonly batch: number;
  readonly sequence: number;
}): Promise<void> {
  const { session, dense, batch, sequence } = params;
  // Tokens spread over the whole vocabulary, so each part of a compressed embedding is read.
  const ids = probeTokens({ batch, sequence, vocabularySize: vocabularyOf(dense) });
  const { logits } = await session.run(tokenFeeds(dense.onnx.graph.inputs, ids));
  const where = `for input_ids [${batch}, ${sequence}]`;
  const dims = logitsDims(dense, { batch, sequence });
  const expected = describeTensor({ dtype: 'float32', dims });
  if (logits === undefined || describeTensor(logits) !== expected) {
    throw new BreachError(
      `${where} the artifact gives ${logits ? describeTensor(logits) : 'no logits'}, expected ${expected}`,
    );
  }
  const values = elements(logits, 'float32');
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    const last = present(dims.at(-1), 'the last dimension of the logits');
    const position = Math.floor(bad / last);
    const at = dims.length === 3 ? [Math.floor(position / sequence), position % sequence] : [position];
    throw new BreachError(
      `${where} the artifact gives ${values[bad]} as logit ${bad % last} at row ${at[0]}` +
        (at.length === 2 ? `, token ${at[1]}` : ''),
    );
  }
}

/** Dimensions of the logits that the dense graph declares, with these lengths for its symbolic dimensions. */
function logitsDims(
  dense: ContractParams['dense'],
  lengths: Readonly<Record<'batch' | 'sequence', number>>,
): readonly number[] {
  const type = dense.onnx.graph.outputs.find(({ name }) => name === 'logits')?.type;
  const dims = type?.kind === 'tensor' ? (type.dims ?? []) : [];
  const known = dims.map((dim) => (dim === 'batch' || dim === 'sequence' ? lengths[dim] : dim));
  if (known.length > 0 && known.every((dim) => typeof dim === 'number')) return known;
  throw new BreachError(`${dense.id}: the dense model does not declare its logits as [batch, …] of known lengths`);
}

function vocabularyOf(dense: ContractParams['dense']): number {
  const rows = dense.onnx.graph.initializers.get(dense.roles.embedding.weight)?.dims[0];
  if (rows === undefined)
    throw new BreachError(`${dense.id}: the dense model has no embedding table to read the vocabulary's size from`);
  return rows;
}

/** Named weights of a transformers checkpoint, converted to the layout of our graphs. */
import { InputError } from '../../../contracts/errors.ts';
import { present } from '../../../contracts/present.ts';
import type { TensorStore } from '../../../engine/model/safetensors.ts';
import type { StoredTensor } from '../../../engine/model/stored-tensor.ts';
import type { LinearWeights, NormWeights } from '../transformer/specification.ts';

export interface CheckpointNames {
  /** Possible prefixes of the network's names; the first under which `marker` exists is used. */
  readonly prefixes: readonly string[];
  readonly marker: string;
  /** Full names that need not be read: buffers, and unsupported heads. */
  readonly unused: readonly RegExp[];
}

export interface Checkpoint {
  /** Whether a tensor of this full name exists. */
  has(name: string): boolean;
  /** `name` after the network's prefix. */
  base(name: string): string;
  /** The following take full names. */
  tensor(name: string, dims: readonly number[]): Promise<Float32Array>;
  /** A layer in the layout of torch.nn.Linear, [out, in]. */
  linear(name: string, dims: readonly [number, number], options?: LinearOptions): Promise<LinearWeights>;
  norm(name: string, width: number, options?: { readonly bias?: boolean }): Promise<NormWeights>;
  /** Throws InputError for tensors that were not read. */
  finish(): void;
}

export interface LinearOptions {
  /** Default false. */
  readonly bias?: boolean;
  /** Which rows of the stored matrix become the outputs, in order; default: all `dims[1]` rows. */
  readonly rows?: readonly number[];
  /** Number of rows of the stored matrix where `rows` are given. */
  readonly of?: number;
}

/** Throws InputError where `marker` exists under none of the prefixes. */
export function createCheckpoint(store: TensorStore, { prefixes, marker, unused }: CheckpointNames): Checkpoint {
  const stored = modernNames(store.tensors);
  const prefix = prefixes.find((candidate) => stored.has(candidate + marker));
  if (prefix === undefined) {
    throw new InputError(
      `checkpoint: no tensor "${prefixes[0]}${marker}" among ${stored.size} (${[...stored.keys()].slice(0, 3).join(', ')}, …); config.json and weights do not belong together`,
    );
  }
  const read = new Set<string>();
  function tensor(name: string, dims: readonly number[]): Promise<Float32Array> {
    read.add(name);
    return store.read(stored.get(name) ?? name, dims);
  }
  return {
    has: (name) => stored.has(name),
    base: (name) => prefix + name,
    tensor,
    async linear(name, [inFeatures, outFeatures], { bias = false, rows, of = outFeatures } = {}) {
      const matrix = await tensor(`${name}.weight`, [of, inFeatures]);
      const order = rows ?? Array.from({ length: outFeatures }, (_, row) => row);
      const weight = transposedRows(matrix, { rows: order, columns: inFeatures });
      if (!bias) return { weight };
      const values = await tensor(`${name}.bias`, [of]);
      return { weight, bias: rows ? Float32Array.from(rows, (row) => present(values[row], 'values[row]')) : values };
    },
    async norm(name, width, { bias = false } = {}) {
      const weight = await tensor(`${name}.weight`, [width]);
      return bias ? { weight, bias: await tensor(`${name}.bias`, [width]) } : { weight };
    },
    finish() {
      const unread = [...stored.keys()].filter(
        (name) => !read.has(name) && !unused.some((pattern) => pattern.test(name)),
      );
      if (unread.length === 0) return;
      throw new InputError(
        `checkpoint: ${unread.length} tensors belong to no part of the network that config.json describes: ${unread.slice(0, 5).join(', ')}${unread.length > 5 ? ', …' : ''}`,
      );
    },
  };
}

/** Maps a current name to the stored one: old checkpoints call a LayerNorm's weight gamma and its bias beta. */
function modernNames(tensors: ReadonlyMap<string, StoredTensor>): ReadonlyMap<string, string> {
  const names = [...tensors.keys()];
  return new Map(
    names.map((name) => [
      name.replace(/LayerNorm\.gamma$/, 'LayerNorm.weight').replace(/LayerNorm\.beta$/, 'LayerNorm.bias'),
      name,
    ]),
  );
}

/** Tile size for transposing, so that both arrays stay in the processor's cache. */
const TILE = 32;

/** The given rows of a row-major matrix [any, columns] as the columns of another: [columns, rows.length]. */
export function transposedRows(
  matrix: Float32Array,
  { rows, columns }: { readonly rows: readonly number[]; readonly columns: number },
): Float32Array {
  const count = rows.length;
  const result = new Float32Array(count * columns);
  for (let row = 0; row < count; row += TILE) {
    const rowEnd = Math.min(count, row + TILE);
    for (let column = 0; column < columns; column += TILE) {
      const columnEnd = Math.min(columns, column + TILE);
      for (let r = row; r < rowEnd; r++) {
        const source = present(rows[r], 'rows[r]') * columns;
        for (let c = column; c < columnEnd; c++)
          result[c * count + r] = present(matrix[source + c], 'matrix[source+c]');
      }
    }
  }
  return result;
}

/**
 * Source index of each feature of `heads` heads of our graphs: transformers rotates feature i of the first `turned`
 * together with i + turned / 2, our graphs 2i with 2i + 1. Queries and keys are reordered alike, so their products do
 * not change.
 */
export function interleavedRows(
  heads: number,
  { headWidth, turned }: { readonly headWidth: number; readonly turned: number },
): readonly number[] {
  return Array.from({ length: heads * headWidth }, (_, at) => {
    const feature = at % headWidth;
    const source = feature < turned ? Math.floor(feature / 2) + (feature % 2) * (turned / 2) : feature;
    return at - feature + source;
  });
}

/**
 * The dense model's results on a task's items, computed once and kept in a folder: for choices and classes the score of
 * each answer, for perplexity the inputs of its head, since a divergence needs the whole distribution at each token.
 */
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { IntegrityError } from '../../contracts/errors.ts';
import { present } from '../../contracts/present.ts';
import { digestOf } from '../../contracts/canonical-json.ts';
import { PROTOCOL } from '../../contracts/protocol.ts';
import type { Machine } from '../../contracts/runner.ts';
import { PINNED_SESSION_OPTIONS } from '../../engine/runtime/session-options.ts';
import { readModelFile, writeModelFile } from '../../numerics/onnx/file.ts';
import type { NumericDType } from '../../numerics/tensor/dtype.ts';
import { rawTensor } from '../../numerics/tensor/tensor.ts';
import type { HeadInputs } from './decoder-head.ts';
import type { DecoderHead, HeadValues } from './open-decoder.ts';
import { writeDurably } from '../plan/workspace.ts';

/** Raise it when a change of this code can change a number in the folder. */
const REVISION = 1;

export interface DenseWeights {
  readonly kind: 'weights';
  /** By item and answer: summed ln p of a choice, logit of a class. */
  readonly weights: readonly (readonly number[])[];
}

export interface DenseValues {
  readonly kind: 'values';
  readonly head: DecoderHead;
  /** The inputs of the head, read from disk. */
  valuesOf(item: number): HeadValues;
}

export type DenseScores = DenseWeights | DenseValues;

/** Name of the folder: a digest of everything that the scores depend on. */
export function denseScoresName(parts: {
  /** SHA-256 of the dense ONNX file. */
  readonly dense: string;
  /** Name of the file of the items, which has their hash; they are cut to the context. */
  readonly items: string;
  readonly machine: Machine;
  readonly threads: number;
}): string {
  const { instructionSets, architecture, onnxRuntime } = parts.machine;
  const { dense, items, threads } = parts;
  return digestOf({
    dense,
    items,
    threads,
    instructionSets,
    architecture,
    onnxRuntime,
    tokensPerBlock: PROTOCOL.quality.tokensPerBlock,
    options: PINNED_SESSION_OPTIONS,
    revision: REVISION,
  }).slice(0, 32);
}

const INDEX = 'index.v8';
const VALUES = 'values.bin';
const HEAD = 'head.onnx';

/** Position of a tensor in the file of values. */
interface Place {
  readonly dtype: NumericDType;
  readonly dims: readonly number[];
  readonly offset: number;
  readonly length: number;
}

type Index = DenseWeights | { readonly kind: 'values'; readonly inputs: HeadInputs; readonly items: PlacesOfItem[] };
type PlacesOfItem = Readonly<Record<string, Place>>;

export function hasDenseScores(folder: string): boolean {
  return existsSync(join(folder, INDEX));
}

export function keepDenseWeights(folder: string, weights: DenseWeights['weights']): void {
  mkdirSync(folder, { recursive: true });
  writeIndex(folder, { kind: 'weights', weights });
}

/** Writes the values of one item after the other; `finish` completes the folder. */
export function createDenseValues(folder: string, { model, inputs }: DecoderHead) {
  mkdirSync(folder, { recursive: true });
  writeModelFile(model, join(folder, HEAD));
  const file = openSync(join(folder, VALUES), 'w');
  const items: PlacesOfItem[] = [];
  let offset = 0;
  return {
    add(values: HeadValues): void {
      const places: Record<string, Place> = {};
      for (const [name, { dtype, dims, bytes }] of Object.entries(values)) {
        const length = bytes.byteLength;
        for (let done = 0; done < length;) done += writeSync(file, bytes, done, length - done, offset + done);
        places[name] = { dtype, dims, offset, length };
        offset += length;
      }
      items.push(places);
    },
    finish: () => writeIndex(folder, { kind: 'values', inputs, items }),
    close: () => closeSync(file),
  };
}

function writeIndex(folder: string, index: Index): void {
  writeDurably(join(folder, INDEX), serialize(index));
}

/** Throws IntegrityError where the file of values is shorter than its index says. */
export function readDenseScores(folder: string): DenseScores {
  const index = deserialize(readFileSync(join(folder, INDEX))) as Index;
  if (index.kind === 'weights') return index;
  const path = join(folder, VALUES);
  return {
    kind: 'values',
    head: { model: readModelFile(join(folder, HEAD)), inputs: index.inputs },
    valuesOf: (item) => readValues(path, present(index.items[item], `dense scores of item ${item}`)),
  };
}

function readValues(path: string, places: PlacesOfItem): HeadValues {
  const file = openSync(path, 'r');
  try {
    return Object.fromEntries(
      Object.entries(places).map(([name, { dtype, dims, offset, length }]) => {
        const bytes = new Uint8Array(length);
        let done = 0;
        for (let got = -1; done < length && got !== 0; done += got) {
          got = readSync(file, bytes, done, length - done, offset + done);
        }
        if (done < length) {
          throw new IntegrityError(`dense scores ${path}: ends after ${offset + done} bytes; delete its folder`);
        }
        return [name, rawTensor(dtype, dims, bytes)] as const;
      }),
    );
  } finally {
    closeSync(file);
  }
}

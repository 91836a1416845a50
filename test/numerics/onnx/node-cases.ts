/** The ONNX project's own node test cases, packed by test/golden/scripts/onnx-node-cases.py. */
import { readFileSync } from 'node:fs';
import { zstdDecompressSync } from 'node:zlib';
import { fromBinary } from '@bufbuild/protobuf';
import { TensorProtoSchema } from '../../../numerics/onnx/protobuf/onnx_pb.js';
import { readTensor } from '../../../numerics/onnx/read-tensor.ts';
import type { Tensor } from '../../../numerics/tensor/tensor.ts';

export interface NodeCase {
  readonly name: string;
  readonly model: Uint8Array;
  /** Of the first data set; undefined where an input is no tensor or large. */
  readonly inputs: Readonly<Record<string, Tensor>> | undefined;
}

interface Entry {
  readonly name: string;
  readonly model: readonly [number, number];
  readonly runnable: boolean;
  readonly inputs: readonly (readonly [string, number, number])[];
}

export function tensorFromProto(bytes: Uint8Array): { readonly name: string; readonly tensor: Tensor } {
  return readTensor(fromBinary(TensorProtoSchema, bytes), {
    where: 'input',
    external: () => {
      throw new Error('test inputs have no external data');
    },
  });
}

export function loadNodeCases(): readonly NodeCase[] {
  const packed = zstdDecompressSync(readFileSync(new URL('../../golden/onnx/node-cases.zst', import.meta.url)));
  const headLength = packed.readUInt32LE(0);
  const index = JSON.parse(packed.toString('utf8', 4, 4 + headLength)) as readonly Entry[];
  const data = new Uint8Array(packed.buffer, packed.byteOffset + 4 + headLength);
  const piece = (offset: number, length: number): Uint8Array => data.subarray(offset, offset + length);
  return index.map(({ name, model, runnable, inputs }) => ({
    name,
    model: piece(...model),
    inputs: runnable
      ? Object.fromEntries(inputs.map(([input, ...place]) => [input, tensorFromProto(piece(...place)).tensor]))
      : undefined,
  }));
}

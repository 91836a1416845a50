/**
 * Reads, writes and reads again every ONNX model under a directory, runs it in onnxruntime before and after where inputs can be
 * had, and prints the counts. `node scripts/check-onnx-node-cases.ts <directory>`
 * Inputs come from test_data_set_0/input_<i>.pb beside the model (the layout of the ONNX project's test cases), else small ones
 * are made from the types the model states. Exit code 1 when a model is not carried through without loss.
 */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { fromBinary } from '@bufbuild/protobuf';
import { readModelFile } from '../numerics/onnx/file.ts';
import type { OnnxModel, ValueInfo } from '../numerics/onnx/graph.ts';
import { TensorProtoSchema } from '../numerics/onnx/protobuf/onnx_pb.js';
import { readModel } from '../numerics/onnx/read.ts';
import { readTensor } from '../numerics/onnx/read-tensor.ts';
import { inferShapes } from '../numerics/onnx/shapes.ts';
import { writeModel } from '../numerics/onnx/write.ts';
import { createSession } from '../engine/runtime/session.ts';
import { packedBytes } from '../numerics/tensor/dtype.ts';
import { elementCount, type Tensor } from '../numerics/tensor/tensor.ts';

type Values = Readonly<Record<string, Tensor>>;

/** For a dimension the model leaves open. */
const OPEN_LENGTH = 2;

function storedInput(file: string): Tensor {
  const external = (): never => {
    throw new Error(`${file} has external data`);
  };
  // A plain array, not a Buffer, whose slice() would share memory.
  const bytes = new Uint8Array(readFileSync(file));
  return readTensor(fromBinary(TensorProtoSchema, bytes), { where: file, external }).tensor;
}

/** Zeros: valid as floats, token ids and masks alike. */
function zeros({ type }: ValueInfo): Tensor | undefined {
  if (type?.kind !== 'tensor' || type.dtype === undefined || type.dtype === 'string') return undefined;
  const dims = (type.dims ?? []).map((dim) => (typeof dim === 'number' && dim >= 0 ? dim : OPEN_LENGTH));
  return { dtype: type.dtype, dims, bytes: new Uint8Array(packedBytes(type.dtype, elementCount(dims))) };
}

function inputsOf(file: string, model: OnnxModel): Values | undefined {
  const inputs: Record<string, Tensor> = {};
  const data = join(dirname(file), 'test_data_set_0');
  const needed = model.graph.inputs.filter((info) => !model.graph.initializers.has(info.name));
  for (const [index, info] of needed.entries()) {
    const stored = join(data, `input_${index}.pb`);
    const tensor = existsSync(data) ? existsSync(stored) && storedInput(stored) : zeros(info);
    if (!tensor) return undefined;
    inputs[info.name] = tensor;
  }
  return inputs;
}

async function run(model: Uint8Array | string, inputs: Values): Promise<Values | undefined> {
  try {
    const session = await createSession(model, { threads: 1 });
    try {
      return await session.run(inputs);
    } finally {
      await session.release();
    }
  } catch {
    return undefined;
  }
}

/** Whether ours are the shapes computed; undefined where ours cannot be told. */
function shapesAgree(model: OnnxModel, inputs: Values, outputs: Values): boolean | undefined {
  const dims = Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [name, tensor.dims]));
  try {
    const shapes = inferShapes(model, { inputs: dims });
    return Object.entries(outputs).every(([name, tensor]) => shapes.get(name)?.dims.join() === tensor.dims.join());
  } catch {
    return undefined;
  }
}

const directory = process.argv[2];
if (directory === undefined) {
  console.error('usage: node scripts/check-onnx-node-cases.ts <directory>');
  process.exit(2);
}
const counts = { files: 0, withoutLoss: 0, ran: 0, sameOutputs: 0, shapesTold: 0, shapesRight: 0 };
for (const file of globSync('**/*.onnx', { cwd: directory }).sort()) {
  const path = join(directory, file);
  counts.files++;
  try {
    const model = readModelFile(path);
    const written = writeModel(model);
    if (!isDeepStrictEqual(readModel(written), model)) throw new Error('reads back otherwise than it was written');
    counts.withoutLoss++;
    const inputs = inputsOf(path, model);
    const before = inputs && (await run(path, inputs));
    if (inputs === undefined || before === undefined) continue;
    counts.ran++;
    if (isDeepStrictEqual(await run(written, inputs), before)) counts.sameOutputs++;
    else console.info(`${file}: outputs differ`);
    const right = shapesAgree(model, inputs, before);
    if (right === false) console.info(`${file}: shapes differ`);
    if (right !== undefined) counts.shapesTold++;
    if (right === true) counts.shapesRight++;
  } catch (error) {
    console.info(`${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
console.info(JSON.stringify(counts));
process.exitCode = counts.withoutLoss === counts.files ? 0 : 1;

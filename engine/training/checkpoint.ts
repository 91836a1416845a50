/**
 * A training's state on disk: an ONNX file without nodes whose initializers are parameters, moments and masks, so that any
 * ONNX tool can look into it. Written beside its place and renamed, so that a kill leaves the old one or the new one.
 */
import { open, readFile, rename, rm } from 'node:fs/promises';
import { InputError, IntegrityError } from '../../contracts/errors.ts';
import type { OnnxModel, OnnxTensor } from '../../numerics/onnx/graph.ts';
import { readModel } from '../../numerics/onnx/read.ts';
import { writeModel } from '../../numerics/onnx/write.ts';
import { elements, tensorOf } from '../../numerics/tensor/tensor.ts';
import type { TrainingState } from './training-state.ts';

const FORMAT = 'shrinkrank.training';
const VERSION = '1';
const SEPARATOR = ':';

/** `labels` are handed back by readCheckpoint; put in them what must agree between trainings, such as the seed. */
export async function writeCheckpoint(
  path: string,
  { state, labels = {} }: { readonly state: TrainingState; readonly labels?: Readonly<Record<string, string>> },
): Promise<void> {
  const initializers = new Map<string, OnnxTensor>();
  const put = (kind: string, values: ReadonlyMap<string, Float32Array>) => {
    for (const [name, value] of values)
      initializers.set(`${kind}${SEPARATOR}${name}`, tensorOf('float32', [value.length], value));
  };
  put('parameter', state.parameters);
  put('mask', state.masks);
  for (const [kind, values] of state.moments) put(`moment.${kind}`, values);
  const metadata = new Map([
    [FORMAT, VERSION],
    ['step', String(state.step)],
    ['moments', [...state.moments.keys()].join(',')],
    ...Object.entries(labels).map(([name, value]) => [`label.${name}`, value] as const),
  ]);
  const bytes = writeModel(container(initializers, metadata));
  const part = `${path}.${process.pid}.part`;
  const file = await open(part, 'w');
  try {
    await file.writeFile(bytes);
    await file.sync();
    await file.close();
    await rename(part, path);
  } catch (error) {
    await file.close().catch(() => undefined);
    await rm(part, { force: true });
    throw error;
  }
}

/** Throws IntegrityError for a file that is no checkpoint or a damaged one, InputError when there is none. */
export async function readCheckpoint(
  path: string,
): Promise<{ readonly state: TrainingState; readonly labels: Readonly<Record<string, string>> }> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw new InputError(`checkpoint "${path}" cannot be read: ${(error as Error).message}`, { cause: error });
  });
  let model: OnnxModel;
  try {
    model = readModel(bytes, { where: path });
  } catch (error) {
    throw new IntegrityError(`checkpoint "${path}" is damaged: ${(error as Error).message}`, { cause: error });
  }
  const metadata = model.metadata ?? new Map<string, string>();
  const step = Number(metadata.get('step'));
  if (metadata.get(FORMAT) !== VERSION || !Number.isSafeInteger(step) || step < 0) {
    throw new IntegrityError(
      `"${path}" is no checkpoint of version ${VERSION} (found ${metadata.get(FORMAT) ?? 'none'}); train from the start or give another file`,
    );
  }
  const take = (kind: string): Map<string, Float32Array> =>
    new Map(
      [...model.graph.initializers]
        .filter(([name]) => name.startsWith(kind + SEPARATOR))
        .map(([name, tensor]) => [name.slice(kind.length + 1), elements(tensor, 'float32')]),
    );
  const kinds = (metadata.get('moments') ?? '').split(',').filter((kind) => kind !== '');
  const moments = new Map(kinds.map((kind) => [kind, take(`moment.${kind}`)]));
  const labels = [...metadata]
    .filter(([name]) => name.startsWith('label.'))
    .map(([name, value]) => [name.slice(6), value]);
  return {
    state: { step, parameters: take('parameter'), moments, masks: take('mask') },
    labels: Object.fromEntries(labels) as Record<string, string>,
  };
}

function container(initializers: ReadonlyMap<string, OnnxTensor>, metadata: ReadonlyMap<string, string>): OnnxModel {
  return {
    irVersion: 10,
    opsets: new Map([['', 21]]),
    producerName: 'shrinkrank',
    producerVersion: '',
    domain: '',
    modelVersion: 0n,
    functions: [],
    metadata,
    graph: {
      name: 'checkpoint',
      nodes: [],
      inputs: [],
      outputs: [],
      initializers,
      sparseInitializers: [],
      valueInfo: [],
    },
  };
}

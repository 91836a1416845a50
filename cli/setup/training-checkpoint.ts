/** The state of a training as a safetensors file, so that it goes on where it stopped. */
import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { writeDurably } from '../../harness/plan/workspace.ts';
import type { ModelFiles } from '../../engine/definitions/model.ts';
import { openRandomAccessFile } from '../../engine/model/random-access-file.ts';
import { openTensors } from '../../engine/model/safetensors.ts';
import { type FloatTensor, writeSafetensors } from '../../engine/model/write-safetensors.ts';
import { adamW } from '../../engine/training/optimizer.ts';
import type { HookView } from '../../engine/training/train.ts';
import type { TrainingState } from '../../engine/training/training-state.ts';

const STEP = 'step';
const PARAMETER = 'parameter';
const MOMENTS = adamW().moments;

/** Of a training with AdamW. The file is complete or the one before. */
export function writeCheckpoint(
  path: string,
  { step, parameters, moments }: Pick<HookView, 'step' | 'parameters' | 'moments'>,
): void {
  const tensors = new Map<string, FloatTensor>([[STEP, flat(Float32Array.of(step))]]);
  const put = (kind: string, values: ReadonlyMap<string, Float32Array>): void => {
    for (const [name, value] of values) tensors.set(`${kind}/${name}`, flat(value));
  };
  put(PARAMETER, parameters);
  for (const kind of MOMENTS) put(kind, moments(kind));
  writeDurably(path, writeSafetensors(tensors));
}

/** The state in the file; undefined where there is none. Throws InputError for a file that is no checkpoint. */
export async function readCheckpoint(path: string): Promise<TrainingState | undefined> {
  if (!existsSync(path)) return undefined;
  const store = await openTensors(onlyFile(path), basename(path));
  try {
    const values = new Map<string, Map<string, Float32Array>>();
    let step = 0;
    for (const [name, { dims }] of store.tensors) {
      const tensor = await store.read(name, dims);
      if (name === STEP) step = tensor[0] ?? 0;
      const [, kind = '', parameter = ''] = /^([^/]+)\/(.+)$/.exec(name) ?? [];
      values.set(kind, (values.get(kind) ?? new Map<string, Float32Array>()).set(parameter, tensor));
    }
    return {
      step,
      parameters: values.get(PARAMETER) ?? new Map(),
      moments: new Map(MOMENTS.map((kind) => [kind, values.get(kind) ?? new Map<string, Float32Array>()])),
      masks: new Map(),
    };
  } finally {
    await store.close();
  }
}

const flat = (values: Float32Array): FloatTensor => ({ dims: [values.length], values });

function onlyFile(path: string): ModelFiles {
  const folder = dirname(path);
  return {
    has: (name) => name === basename(path),
    read: () => Promise.reject(new Error('a checkpoint is read in ranges')),
    open: (name) => openRandomAccessFile(join(folder, name)),
  };
}

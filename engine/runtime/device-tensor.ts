/** Tensors that stay on the device between runs of its sessions. Of onnxruntime-node's providers WebGPU alone gives them. */
import type * as ort from 'onnxruntime-node';
import { InputError } from '../../contracts/errors.ts';
import type { DeviceProvider } from '../../contracts/runner.ts';
import type { NumericDType } from '../../numerics/tensor/dtype.ts';

/**
 * Feeds any session of the same provider and process. To read one, feed it to a session that gives it back on the host:
 * the binding's own download ends the process (onnxruntime-node 1.30.0).
 */
export interface DeviceTensor {
  readonly location: 'device';
  readonly dtype: NumericDType;
  readonly dims: readonly number[];
  /** Gives its memory back; nothing may read it afterwards. */
  release(): void;
}

export function keepsOutputs(provider: DeviceProvider): boolean {
  return provider === 'webgpu';
}

const held = new WeakMap<DeviceTensor, ort.Tensor>();

export function keepOnDevice(name: string, value: ort.Tensor): DeviceTensor {
  if (value.location !== 'gpu-buffer') {
    throw new InputError(`output "${name}" came out on ${value.location}; it cannot be kept on the device`);
  }
  const tensor: DeviceTensor = {
    location: 'device',
    dtype: value.type as NumericDType,
    dims: value.dims,
    release() {
      if (held.delete(tensor)) value.dispose();
    },
  };
  held.set(tensor, value);
  return tensor;
}

/** Throws InputError for one that was released. */
export function heldOnDevice(name: string, tensor: DeviceTensor): ort.Tensor {
  const value = held.get(tensor);
  if (value === undefined) throw new InputError(`input "${name}": its memory on the device was released already`);
  return value;
}

/**
 * Tensors that stay on the device between runs of its sessions. Of onnxruntime-node's providers only WebGPU supports
 * this.
 */
import type * as ort from 'onnxruntime-node';
import { InputError } from '../../contracts/errors.ts';
import type { DeviceProvider } from '../../contracts/runner.ts';
import type { NumericDType } from '../../numerics/tensor/dtype.ts';

/**
 * Can be fed to any session of the same provider and process. To read it, feed it to a session whose outputs go to the
 * host: the binding's own download crashes the process (onnxruntime-node 1.30.0).
 */
export interface DeviceTensor {
  readonly location: 'device';
  readonly dtype: NumericDType;
  readonly dims: readonly number[];
  /** Releases its memory; it must not be read afterwards. */
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

/** Throws InputError for a released tensor. */
export function heldOnDevice(name: string, tensor: DeviceTensor): ort.Tensor {
  const value = held.get(tensor);
  if (value === undefined) throw new InputError(`input "${name}": its memory on the device was released already`);
  return value;
}

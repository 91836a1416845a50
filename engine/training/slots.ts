/**
 * Memory layout of parameters and optimizer state between steps. A node of the graph costs microseconds however small
 * its tensors are, so small parameters with equal treatment share one flat slot.
 */
import { InputError } from '../../contracts/errors.ts';
import { elementCount, elements, type NumericTensor, type Tensor, tensorOf } from '../../numerics/tensor/tensor.ts';

export interface ParameterOptions {
  /**
   * Whether weight decay applies. Default: to parameters of two or more axes, except embeddings where `decays` of train
   * says so.
   */
  readonly decays?: boolean;
  /** Factor on the learning rate; default 1. */
  readonly learningRateScale?: number;
  /** Factor on the gradient, before it is clipped; default 1. */
  readonly gradientScale?: number;
  /** 1 where an element is trained, 0 where it is and stays zero; float32 of the parameter's shape. */
  readonly mask?: Float32Array;
}

export interface SlotMember {
  readonly name: string;
  readonly dims: readonly number[];
  /** Index of the first element in the slot. */
  readonly offset: number;
  readonly count: number;
}

export interface Slot {
  readonly id: string;
  /** [count] where several parameters share it, otherwise the parameter's shape. */
  readonly dims: readonly number[];
  readonly members: readonly SlotMember[];
  readonly decays: boolean;
  readonly masked: boolean;
  readonly gradientScale: number;
  /** Index in the list of distinct learning-rate scales. */
  readonly group: number;
}

export interface SlotLayout {
  readonly slots: readonly Slot[];
  /** Learning-rate scale of each group. */
  readonly learningRateScales: readonly number[];
}

/** Parameters with fewer elements share a slot. */
const SMALL_ELEMENTS = 8192;

export interface LayoutRequest {
  readonly parameters: ReadonlyMap<string, Tensor>;
  readonly options: (name: string) => Required<Omit<ParameterOptions, 'mask'>> & { readonly masked: boolean };
  readonly smallElements?: number;
}

/** Throws InputError for a parameter that is not float32. */
export function layOut({ parameters, options, smallElements = SMALL_ELEMENTS }: LayoutRequest): SlotLayout {
  const scales: number[] = [];
  const shared = new Map<string, { slot: Omit<Slot, 'dims' | 'members'>; members: SlotMember[]; count: number }>();
  const slots: Slot[] = [];
  for (const [name, tensor] of parameters) {
    if (tensor.dtype !== 'float32') {
      throw new InputError(`training: parameter "${name}" is ${tensor.dtype}; only float32 weights are trained`);
    }
    const { decays, learningRateScale, gradientScale, masked } = options(name);
    if (!scales.includes(learningRateScale)) scales.push(learningRateScale);
    const group = scales.indexOf(learningRateScale);
    const count = elementCount(tensor.dims);
    const kind = { decays, masked, gradientScale, group };
    if (count >= smallElements) {
      slots.push({ id: name, dims: tensor.dims, members: [{ name, dims: tensor.dims, offset: 0, count }], ...kind });
      continue;
    }
    const key = JSON.stringify(kind);
    const entry = shared.get(key) ?? { slot: { id: `small.${shared.size}`, ...kind }, members: [], count: 0 };
    shared.set(key, entry);
    entry.members.push({ name, dims: tensor.dims, offset: entry.count, count });
    entry.count += count;
  }
  for (const { slot, members, count } of shared.values()) slots.push({ ...slot, dims: [count], members });
  return { slots, learningRateScales: scales };
}

/** Copies tensors, by parameter, into the memory of a slot; zeros where a tensor is missing. */
export function gatherSlot(slot: Slot, valueOf: (name: string) => Float32Array | undefined): NumericTensor {
  const values = new Float32Array(elementCount(slot.dims));
  for (const { name, offset, count } of slot.members) {
    const value = valueOf(name);
    if (value === undefined) continue;
    if (value.length !== count) {
      throw new InputError(`training: "${name}" has ${count} elements, got ${value.length} for it`);
    }
    values.set(value, offset);
  }
  return tensorOf('float32', slot.dims, values);
}

/** Views of the members in a slot's memory. */
export function viewsOf(slot: Slot, tensor: Tensor): ReadonlyMap<string, Float32Array> {
  const values = elements(tensor, 'float32');
  return new Map(slot.members.map(({ name, offset, count }) => [name, values.subarray(offset, offset + count)]));
}

/** Names of a slot's values in the step graph: its state, by kind, and its gradient. */
export const stateName = (slot: Slot, kind: string): string => `state/${kind}/${slot.id}`;
export const gradientName = (slot: Slot): string => `gradient/${slot.id}`;
export const scalarName = (group: number, scalar: string): string => `scalar/${scalar}/${group}`;
/** Name of a state value after the step. */
export const nextName = (state: string): string => `${state}/next`;

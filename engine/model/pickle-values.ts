/** Values in the pickle of a state dict, and the results of torch's functions on them; no code is called. */
import type { InputError } from '../../contracts/errors.ts';

/** Element types by the names of torch's storage classes, in safetensors' terms. */
const STORAGES: Readonly<Record<string, string>> = {
  'torch FloatStorage': 'F32',
  'torch HalfStorage': 'F16',
  'torch BFloat16Storage': 'BF16',
  'torch DoubleStorage': 'F64',
  'torch LongStorage': 'I64',
  'torch IntStorage': 'I32',
  'torch ShortStorage': 'I16',
  'torch CharStorage': 'I8',
  'torch ByteStorage': 'U8',
  'torch BoolStorage': 'BOOL',
};

const ORDERED_DICT = 'collections OrderedDict';
const TENSOR = 'torch._utils _rebuild_tensor_v2';
const PARAMETER = 'torch._utils _rebuild_parameter';

export interface PickledTensor {
  readonly dtype: string;
  /** Name of the storage's file below `data/`. */
  readonly storage: string;
  /** Offset of the first element in the storage, in elements. */
  readonly offset: number;
  readonly dims: readonly number[];
  readonly strides: readonly number[];
}

export type Value =
  | null
  | boolean
  | number
  | string
  | { readonly kind: 'mark' }
  | { readonly kind: 'global'; readonly name: string }
  | { readonly kind: 'tuple'; readonly items: readonly Value[] }
  | { readonly kind: 'dict'; readonly entries: Map<Value, Value> }
  | { readonly kind: 'storage'; readonly dtype: string; readonly key: string }
  | ({ readonly kind: 'tensor' } & PickledTensor);

export const MARK: Value = { kind: 'mark' };

export type Fault = (what: string) => InputError;

/** Whether a pickle may refer to it. */
export const isKnownGlobal = (name: string): boolean =>
  [ORDERED_DICT, TENSOR, PARAMETER].includes(name) || STORAGES[name] !== undefined;

const itemsOf = (value: Value): readonly Value[] =>
  typeof value === 'object' && value?.kind === 'tuple' ? value.items : [];

/** ('storage', class, key, device, elements) */
export function storageOf(id: Value, fault: Fault): Value {
  const [word, storage, key] = itemsOf(id);
  const dtype = typeof storage === 'object' && storage?.kind === 'global' ? STORAGES[storage.name] : undefined;
  if (word !== 'storage' || dtype === undefined || typeof key !== 'string') throw fault('BINPERSID of no storage');
  return { kind: 'storage', dtype, key };
}

/** The value that torch's function of this name would return for these parts. */
export function reduced(callable: Value, parts: Value, fault: Fault): Value {
  const name = typeof callable === 'object' && callable?.kind === 'global' ? callable.name : undefined;
  const items = itemsOf(parts);
  if (name === ORDERED_DICT && items.length === 0) return { kind: 'dict', entries: new Map() };
  if (name === PARAMETER && typeof items[0] === 'object' && items[0]?.kind === 'tensor') return items[0];
  const [storage, offset, size, stride] = items;
  const [dims, strides] = [naturals(size), naturals(stride)];
  if (
    name === TENSOR &&
    typeof storage === 'object' &&
    storage?.kind === 'storage' &&
    isNatural(offset) &&
    dims &&
    strides?.length === dims.length
  ) {
    return { kind: 'tensor', dtype: storage.dtype, storage: storage.key, offset, dims, strides };
  }
  throw fault(
    `REDUCE of ${name?.replace(' ', '.') ?? 'something that is no function'} with other parts than a tensor’s`,
  );
}

const isNatural = (value: Value | undefined): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function naturals(value: Value | undefined): readonly number[] | undefined {
  if (typeof value !== 'object' || value?.kind !== 'tuple') return undefined;
  const numbers = value.items.filter(isNatural);
  return numbers.length === value.items.length ? numbers : undefined;
}

export function tensorsOf(result: Value, fault: Fault): ReadonlyMap<string, PickledTensor> {
  if (typeof result !== 'object' || result?.kind !== 'dict') throw fault('a result that is no dictionary');
  const tensors = new Map<string, PickledTensor>();
  for (const [name, value] of result.entries) {
    if (typeof name !== 'string' || typeof value !== 'object' || value?.kind !== 'tensor') {
      throw fault(`an entry "${String(name).slice(0, 80)}" that is no tensor`);
    }
    tensors.set(name, value);
  }
  return tensors;
}

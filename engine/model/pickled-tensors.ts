/**
 * The tensors of a file written by torch.save: a zip file with a pickle that describes them and their elements beside
 * it.
 */
import { InputError } from '../../contracts/errors.ts';
import type { RandomAccessFile } from '../definitions/model.ts';
import { readStateDict } from './pickle.ts';
import { ELEMENT_BYTES, type StoredTensor } from './stored-tensor.ts';
import { readZipEntries } from './zip-entries.ts';

/** Above the size in the largest published models. */
const MAX_PICKLE_BYTES = 16 * 2 ** 20;

/**
 * Where each tensor's elements are, row-major. Throws InputError for other files, for tensors that reach beyond their
 * storage, and for views in another order.
 */
export async function readPickledTensors(file: RandomAccessFile): Promise<ReadonlyMap<string, StoredTensor>> {
  const entries = await readZipEntries(file);
  const pickle = [...entries.keys()].find((name) => /^[^/]+\/data\.pkl$/.test(name));
  const place = entries.get(pickle ?? '');
  if (pickle === undefined || place === undefined) {
    throw new InputError(`${file.label}: has no data.pkl among ${entries.size} entries; expected a file of torch.save`);
  }
  if (place.end - place.start > MAX_PICKLE_BYTES) {
    throw new InputError(`${file.label}: its pickle has ${place.end - place.start} bytes, limit ${MAX_PICKLE_BYTES}`);
  }
  const folder = pickle.slice(0, -'data.pkl'.length);
  await requireLittleEndian(file, entries.get(`${folder}byteorder`));
  const described = readStateDict(await file.read(place.start, place.end), `${file.label}: ${pickle}`);
  const tensors = new Map<string, StoredTensor>();
  for (const [name, { dtype, storage, offset, dims, strides }] of described) {
    const fault = (what: string): InputError =>
      new InputError(`${file.label}: tensor "${name.slice(0, 80)}" ${what}; fetch the file again`);
    const bytes = entries.get(`${folder}data/${storage}`);
    const width = ELEMENT_BYTES[dtype];
    if (bytes === undefined || width === undefined)
      throw fault(`is in the storage "${storage.slice(0, 40)}", which is not there`);
    if (!isRowMajor(dims, strides))
      throw fault(`has the strides [${strides.join(', ')}]; only row-major ones are read`);
    const start = bytes.start + offset * width;
    const end = start + dims.reduce((product, dim) => product * dim, width);
    if (!(end <= bytes.end)) throw fault(`of [${dims.join(', ')}] reaches beyond its storage`);
    tensors.set(name, { dtype, dims, start, end });
  }
  return tensors;
}

async function requireLittleEndian(
  file: RandomAccessFile,
  place: { readonly start: number; readonly end: number } | undefined,
) {
  if (place === undefined) return;
  const order = new TextDecoder().decode(await file.read(place.start, Math.min(place.end, place.start + 16)));
  if (order !== 'little') throw new InputError(`${file.label}: its byte order is "${order}", expected little`);
}

/** An axis of one element may have any stride. */
function isRowMajor(dims: readonly number[], strides: readonly number[]): boolean {
  let expected = 1;
  for (let axis = dims.length - 1; axis >= 0; axis--) {
    const dim = dims[axis] ?? 1;
    if (dim !== 1 && strides[axis] !== expected) return false;
    expected *= dim;
  }
  return true;
}

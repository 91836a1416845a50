/** Gathering, scattering and masks. */
import { present } from '../../../contracts/present.ts';
import { normalAxis, pick, sameAsFirst, shaped, type ShapeRule, type ShapeRules } from './rule.ts';

const gather: ShapeRule = (context) => {
  const x = context.input(0);
  const indices = context.input(1);
  const axis = normalAxis(context, context.int('axis', 0), x.dims.length);
  const dims = [...x.dims.slice(0, axis), ...indices.dims, ...x.dims.slice(axis + 1)];
  const length = present(x.dims[axis], 'x.dims[axis]');
  const rank = indices.dims.length;
  const at =
    indices.values &&
    ((position: readonly number[]) => {
      const flat = position
        .slice(axis, axis + rank)
        .reduce((sum, value, i) => sum * present(indices.dims[i], 'indices.dims[i]') + value, 0);
      const index = present(indices.values?.[flat], 'an index');
      if (index < -length || index >= length) context.fail(`index ${index} is outside of ${length}`);
      return [...position.slice(0, axis), index < 0 ? index + length : index, ...position.slice(axis + rank)];
    });
  return [shaped(x.dtype, dims, at && pick(x, dims, at))];
};

const gatherND: ShapeRule = (context) => {
  const x = context.input(0);
  const indices = context.input(1).dims;
  const batch = context.int('batch_dims', 0);
  const depth = indices.at(-1) ?? context.fail('indices need a dimension');
  return [shaped(x.dtype, [...indices.slice(0, -1), ...x.dims.slice(batch + depth)])];
};

const oneHot: ShapeRule = (context) => {
  const indices = context.input(0).dims;
  const depth = present(context.values(1)[0], 'context.values(1)[0]');
  const axis = normalAxis(context, context.int('axis', -1), indices.length + 1);
  return [shaped(context.input(2).dtype, indices.toSpliced(axis, 0, depth))];
};

/** The number of non-zero elements is known only when the elements are. */
const nonZero: ShapeRule = (context) => {
  const { dims } = context.input(0);
  const values = context.values(0);
  const positions = values.flatMap((value, index) => (value === 0 ? [] : [index]));
  return [shaped('int64', [Math.max(dims.length, 1), positions.length], dims.length === 1 ? positions : undefined)];
};

const compress: ShapeRule = (context) => {
  const x = context.input(0);
  const taken = context.values(1).filter((value) => value !== 0).length;
  if (!context.has('axis')) return [shaped(x.dtype, [taken])];
  return [shaped(x.dtype, x.dims.with(normalAxis(context, context.int('axis'), x.dims.length), taken))];
};

export const indexing: ShapeRules = {
  Gather: gather,
  GatherElements: (context) => [shaped(context.input(0).dtype, context.input(1).dims)],
  GatherND: gatherND,
  Scatter: sameAsFirst,
  ScatterElements: sameAsFirst,
  ScatterND: sameAsFirst,
  TensorScatter: sameAsFirst,
  OneHot: oneHot,
  NonZero: nonZero,
  Compress: compress,
  Trilu: sameAsFirst,
  'com.microsoft:GatherND': gatherND,
  'com.microsoft:Trilu': sameAsFirst,
};

/** Operators whose shape depends on no data: constants, shapes, ranges, random numbers. */
import { elementCount, type Tensor, tensorOf } from '../../tensor/tensor.ts';
import { floatsAttribute, stringsAttribute, tensorAttribute } from '../attributes.ts';
import {
  dtypeAttribute,
  MAX_FOLDED_ELEMENTS,
  type RuleContext,
  shaped,
  type ShapedValue,
  type ShapeRule,
  type ShapeRules,
} from './rule.ts';
import { smallValues } from './small-values.ts';

/** A tensor with its shape, and its elements where they are few. */
export function valueOfTensor(tensor: Tensor): ShapedValue {
  return shaped(tensor.dtype, tensor.dims, smallValues(tensor));
}

const constant: ShapeRule = (context) => {
  const { node } = context;
  if (context.has('value')) return [valueOfTensor(tensorAttribute(node, 'value'))];
  if (context.has('value_int')) return [shaped('int64', [], [context.int('value_int')])];
  if (context.has('value_float')) return [shaped('float32', [], [context.float('value_float')])];
  if (context.has('value_string')) return [shaped('string', [])];
  if (context.has('value_ints')) {
    const values = context.ints('value_ints');
    return [shaped('int64', [values.length], values)];
  }
  if (context.has('value_floats')) {
    const values = floatsAttribute(node, 'value_floats');
    return [shaped('float32', [values.length], values)];
  }
  if (context.has('value_strings')) return [shaped('string', [stringsAttribute(node, 'value_strings').length])];
  return context.fail('none of the values this reader knows is given');
};

function filled(context: RuleContext, dims: readonly number[], value: ShapedValue): ShapedValue {
  if (dims.some((dim) => dim < 0)) context.fail(`shape [${dims.join(', ')}] has a negative dimension`);
  const count = elementCount(dims);
  const element = value.values?.[0];
  return shaped(
    value.dtype,
    dims,
    element === undefined || count > MAX_FOLDED_ELEMENTS ? undefined : Array(count).fill(element),
  );
}

const constantOfShape: ShapeRule = (context) => {
  const value = context.has('value')
    ? valueOfTensor(tensorAttribute(context.node, 'value'))
    : valueOfTensor(tensorOf('float32', [1], Float32Array.of(0)));
  return [filled(context, context.values(0), value)];
};

/** start and end exist since opset 15; they are clamped to the rank. */
const shape: ShapeRule = (context) => {
  const { dims } = context.input(0);
  const clamp = (axis: number): number => Math.min(Math.max(axis < 0 ? axis + dims.length : axis, 0), dims.length);
  const part = dims.slice(clamp(context.int('start', 0)), clamp(context.int('end', dims.length)));
  return [shaped('int64', [part.length], part)];
};

const range: ShapeRule = (context) => {
  const [start, limit, step] = [context.values(0)[0] ?? 0, context.values(1)[0] ?? 0, context.values(2)[0] ?? 0];
  if (step === 0) context.fail('a step of 0');
  const count = Math.max(0, Math.ceil((limit - start) / step));
  const values = count > MAX_FOLDED_ELEMENTS ? undefined : Array.from({ length: count }, (_, i) => start + i * step);
  return [shaped(context.input(0).dtype, [count], values)];
};

const randomOfShape: ShapeRule = (context) => [
  shaped(dtypeAttribute(context, 'dtype', 'float32'), context.ints('shape')),
];
const randomLike: ShapeRule = (context) => [
  shaped(dtypeAttribute(context, 'dtype', context.input(0).dtype), context.input(0).dims),
];

export const constants: ShapeRules = {
  Constant: constant,
  ConstantOfShape: constantOfShape,
  Shape: shape,
  Size: (context) => [shaped('int64', [], [elementCount(context.input(0).dims)])],
  Range: range,
  EyeLike: randomLike,
  RandomNormal: randomOfShape,
  RandomUniform: randomOfShape,
  RandomNormalLike: randomLike,
  RandomUniformLike: randomLike,
};

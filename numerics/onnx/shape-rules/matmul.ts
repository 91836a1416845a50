/** Matrix products, plain and with packed weights. */
import { present } from '../../../contracts/present.ts';
import type { DType } from '../../tensor/dtype.ts';
import { broadcast, normalAxis, type RuleContext, shaped, type ShapeRule, type ShapeRules } from './rule.ts';

/** numpy.matmul: the last two axes are the matrix, a vector is a row on the left and a column on the right. */
function product(context: RuleContext, a: readonly number[], b: readonly number[]): readonly number[] {
  if (a.length === 0 || b.length === 0) context.fail('a matrix product needs at least vectors');
  const left = a.length === 1 ? [1, ...a] : a;
  const right = b.length === 1 ? [...b, 1] : b;
  if (left.at(-1) !== right.at(-2)) context.fail(`inner dimensions ${left.at(-1)} and ${right.at(-2)} differ`);
  const batch = broadcast(context, left.slice(0, -2), right.slice(0, -2));
  return [
    ...batch,
    ...(a.length === 1 ? [] : [present(left.at(-2), 'second last of left')]),
    ...(b.length === 1 ? [] : [present(right.at(-1), 'last of right')]),
  ];
}

/** A product of inputs 0 and `right`, in a given element type or that of an input. */
function matrixProduct({ right = 1, dtype }: { right?: number; dtype: (context: RuleContext) => DType }): ShapeRule {
  return (context) => [shaped(dtype(context), product(context, context.input(0).dims, context.input(right).dims))];
}

const typeOf =
  (index: number) =>
  (context: RuleContext): DType =>
    context.input(index).dtype;

const gemm: ShapeRule = (context) => [shaped(context.input(0).dtype, gemmDims(context, 1))];

/**
 * Inputs: A, its scale and zero point, B and its, bias, scale and zero point of the result; float without the latter.
 */
const quantizedGemm: ShapeRule = (context) => [shaped(context.optional(8)?.dtype ?? 'float32', gemmDims(context, 3))];

function gemmDims(context: RuleContext, right: number): readonly number[] {
  const a = context.input(0).dims;
  const b = context.input(right).dims;
  if (a.length !== 2 || b.length !== 2) context.fail('Gemm needs matrices');
  const [m, k] = context.int('transA', 0) ? [a[1], a[0]] : a;
  const [k2, n] = context.int('transB', 0) ? [b[1], b[0]] : b;
  if (k !== k2) context.fail(`inner dimensions ${k} and ${k2} differ`);
  return [m as number, n as number];
}

function swapLast(dims: readonly number[]): readonly number[] {
  return dims.length < 2
    ? dims
    : [...dims.slice(0, -2), present(dims.at(-1), 'last of dims'), present(dims.at(-2), 'second last of dims')];
}

const fusedMatMul: ShapeRule = (context) => {
  if (context.int('transBatchA', 0) || context.int('transBatchB', 0))
    context.fail('transBatchA and transBatchB are not supported');
  const a = context.input(0);
  const left = context.int('transA', 0) ? swapLast(a.dims) : a.dims;
  const right = context.int('transB', 0) ? swapLast(context.input(1).dims) : context.input(1).dims;
  return [shaped(a.dtype, product(context, left, right))];
};

/** Weights packed by columns: attributes K and N give their shape. */
const packedWeights: ShapeRule = (context) => {
  const { dtype, dims } = context.input(0);
  if (dims.at(-1) !== context.int('K')) context.fail(`input has ${dims.at(-1)} features, K is ${context.int('K')}`);
  return [shaped(dtype, [...dims.slice(0, -1), context.int('N')])];
};

/** https://onnx.ai/onnx/operators/onnx__Einsum.html, with `...` for axes that broadcast. */
const einsum: ShapeRule = (context) => {
  const equation = context.text('equation').replaceAll(' ', '');
  const [left = '', right] = equation.split('->');
  const terms = left.split(',');
  if (terms.length !== context.inputCount) context.fail(`equation ${equation} has ${terms.length} terms`);
  const lengths = new Map<string, number>();
  const batches: (readonly number[])[] = [];
  const letters: string[] = [];
  for (const [index, term] of terms.entries()) {
    const { dims } = context.input(index);
    const [before = '', after = ''] = term.split('...');
    const hidden = dims.length - before.length - after.length;
    if (hidden < 0 || (hidden > 0 && !term.includes('...')))
      context.fail(`term ${term} does not fit rank ${dims.length}`);
    const assign = (letter: string, axis: number): void => {
      const length = present(dims[axis], 'dims[axis]');
      const known = lengths.get(letter) ?? 1;
      if (known !== 1 && length !== 1 && known !== length)
        context.fail(`index ${letter} is both ${known} and ${length}`);
      lengths.set(letter, Math.max(known, length));
      letters.push(letter);
    };
    for (const [offset, letter] of [...before].entries()) assign(letter, offset);
    for (const [offset, letter] of [...after].entries()) assign(letter, before.length + hidden + offset);
    batches.push(dims.slice(before.length, before.length + hidden));
  }
  const batch = broadcast(context, ...batches);
  const once = [...lengths.keys()].filter((letter) => letters.filter((other) => other === letter).length === 1).sort();
  const output = right ?? (left.includes('...') ? '...' : '') + once.join('');
  const [before = '', after = ''] = output.split('...');
  const of = (text: string): readonly number[] =>
    [...text].map((letter) => lengths.get(letter) ?? context.fail(`index ${letter} is new in the result`));
  return [shaped(context.input(0).dtype, [...of(before), ...(output.includes('...') ? batch : []), ...of(after)])];
};

/** uint8 data hold 8 / bits elements per byte along the last axis; int4 and uint4 state their elements. */
const gatherBlockQuantized: ShapeRule = (context) => {
  const data = context.input(0);
  const indices = context.input(1).dims;
  const scales = context.input(2);
  const axis = normalAxis(context, context.int('gather_axis', 0), data.dims.length);
  const perByte = data.dtype === 'uint8' ? 8 / context.int('bits', 4) : 1;
  const rows = data.dims.map((dim, at) => (at === data.dims.length - 1 ? dim * perByte : dim));
  return [shaped(scales.dtype, [...rows.slice(0, axis), ...indices, ...rows.slice(axis + 1)])];
};

export const matmul: ShapeRules = {
  MatMul: matrixProduct({ dtype: typeOf(0) }),
  MatMulInteger: matrixProduct({ dtype: () => 'int32' }),
  QLinearMatMul: matrixProduct({ right: 3, dtype: typeOf(7) }),
  Gemm: gemm,
  Einsum: einsum,
  'com.microsoft:DynamicQuantizeMatMul': matrixProduct({ dtype: typeOf(0) }),
  'com.microsoft:MatMulIntegerToFloat': matrixProduct({ dtype: typeOf(2) }),
  'com.microsoft:MatMulInteger16': matrixProduct({ dtype: () => 'int32' }),
  'com.microsoft:FusedMatMul': fusedMatMul,
  'com.microsoft:FusedGemm': gemm,
  'com.microsoft:GemmFastGelu': matrixProduct({ dtype: typeOf(0) }),
  'com.microsoft:QGemm': quantizedGemm,
  'com.microsoft:TransposeMatMul': fusedMatMul,
  'com.microsoft:SparseToDenseMatMul': fusedMatMul,
  'com.microsoft:MatMulNBits': packedWeights,
  'com.microsoft:MatMulBnb4': packedWeights,
  'com.microsoft:GatherBlockQuantized': gatherBlockQuantized,
};

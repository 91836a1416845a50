/** Matrix products. */
import { float, int, string } from '../../../../numerics/onnx/attributes.ts';
import type { GradientCase } from '../../../support/gradient-check.ts';
import type { Cases } from './cases.ts';

const SHAPES: readonly (readonly [string, readonly number[], readonly number[]])[] = [
  ['matrices', [2, 3], [3, 4]],
  ['stack by shared matrix', [2, 2, 3], [3, 4]],
  ['four axes by shared matrix', [2, 1, 2, 3], [3, 2]],
  ['shared matrix by stack', [2, 3], [2, 3, 4]],
  ['stacks', [2, 2, 3], [2, 3, 2]],
  ['heads', [2, 2, 2, 3], [2, 2, 3, 2]],
  ['stacks that broadcast', [2, 1, 2, 3], [3, 3, 2]],
  ['stack of one', [1, 2, 3], [4, 3, 2]],
  ['vectors', [3], [3]],
  ['vector by matrix', [3], [3, 2]],
  ['matrix by vector', [2, 3], [3]],
  ['stack by vector', [2, 2, 3], [3]],
  ['vector by stack', [3], [2, 3, 2]],
];

const matmuls: readonly GradientCase[] = SHAPES.flatMap(([name, a, b]) => [
  { name, inputs: [a, b] },
  { name: `${name}, float32`, inputs: [a, b], dtype: 'float32' },
  {
    name: `${name}, float32 in the standard domain, opset 13`,
    inputs: [a, b],
    dtype: 'float32',
    contrib: false,
    opset: 13,
  },
]);

const gemms: readonly GradientCase[] = [
  [0, 0],
  [0, 1],
  [1, 0],
  [1, 1],
].flatMap(([transA, transB]) => {
  const a = transA ? [3, 2] : [2, 3];
  const b = transB ? [4, 3] : [3, 4];
  const attributes = { transA: int(transA as number), transB: int(transB as number) };
  return [
    { name: `${transA}${transB}`, inputs: [a, b, [4]], attributes },
    { name: `${transA}${transB}, no C`, inputs: [a, b], attributes: { ...attributes, alpha: float(0.5) } },
    {
      name: `${transA}${transB}, scaled`,
      inputs: [a, b, [2, 1]],
      attributes: { ...attributes, alpha: float(0.5), beta: float(2) },
      opset: 13,
    },
    { name: `${transA}${transB}, scalar C`, inputs: [a, b, []], attributes, dtype: 'float32' as const },
  ];
});

const fused: readonly GradientCase[] = [
  [0, 0],
  [0, 1],
  [1, 0],
  [1, 1],
].flatMap(([transA, transB]) => {
  const swap = (on: number | undefined, dims: readonly number[]) =>
    on ? [...dims.slice(0, -2), dims.at(-1) as number, dims.at(-2) as number] : dims;
  const attributes = { transA: int(transA as number), transB: int(transB as number), alpha: float(0.5) };
  return [
    {
      name: `${transA}${transB}, matrices`,
      inputs: [swap(transA, [2, 3]), swap(transB, [3, 4])],
      attributes,
      dtype: 'float32' as const,
    },
    {
      name: `${transA}${transB}, stacks`,
      inputs: [swap(transA, [2, 2, 3]), swap(transB, [2, 3, 4])],
      attributes,
      dtype: 'float32' as const,
    },
    {
      name: `${transA}${transB}, shared`,
      inputs: [swap(transA, [2, 2, 3]), swap(transB, [3, 4])],
      attributes,
      dtype: 'float32' as const,
    },
  ];
});

const einsum = (equation: string, ...inputs: readonly (readonly number[])[]): GradientCase => ({
  name: equation,
  inputs,
  attributes: { equation: string(equation) },
});

export const matmul: Cases = {
  Einsum: [
    einsum('ij,jk->ik', [2, 3], [3, 4]),
    einsum('bhid,bhjd->bhij', [2, 2, 3, 2], [2, 2, 4, 2]),
    einsum('bhij,bhjd->bhid', [2, 2, 3, 4], [2, 2, 4, 2]),
    einsum('bid,bjd->bij', [2, 3, 2], [2, 2, 2]),
    einsum('i,j->ij', [3], [2]),
    einsum('i , j', [3], [2]),
    einsum('bij,jk', [2, 2, 3], [3, 2]),
    einsum('...ij,...jk->...ik', [2, 2, 3], [2, 3, 2]),
    einsum('...ij,jk->...ik', [2, 2, 3], [3, 2]),
    einsum('ij,ij->', [2, 3], [2, 3]),
    einsum('ij,kj->i', [2, 3], [4, 3]),
    einsum('ij->ji', [2, 3]),
    einsum('ij->i', [2, 3]),
    einsum('bi,bj,bk->ijk', [2, 2], [2, 3], [2, 2]),
  ],
  Gemm: gemms,
  MatMul: matmuls,
  'com.microsoft:FusedMatMul': fused,
};

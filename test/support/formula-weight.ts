/** The weights of test/golden/scripts/transformers.py: a formula of name and index in whole numbers. */
import { elementCount } from '../../numerics/tensor/tensor.ts';
import type { ReadWeight } from '../../models/shared/weight-reading.ts';

export const formulaWeight: ReadWeight = (name, dims) => {
  const offset = Array.from(name).reduce((sum, character, i) => sum + character.charCodeAt(0) * (i + 1), 0);
  const isTable = name === 'embedding.weight' || name === 'positions.weight';
  const scale = dims.length === 1 ? 0.4 : isTable ? 2 : 3 / Math.sqrt(dims[0] as number);
  const centre = dims.length === 1 && name.endsWith('norm.weight') ? 1 : 0;
  return Float32Array.from({ length: elementCount(dims) }, (_, i) => {
    const value = ((i * (i + 3) * 7919 + offset * 104729) % 10007) / 10007 - 0.5;
    return centre + scale * value;
  });
};

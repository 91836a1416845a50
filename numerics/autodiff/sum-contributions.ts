/** Sums the gradients that reach one value from several readers. */
import { elementCount } from '../tensor/tensor.ts';
import type { GradientBuilder } from './gradient-builder.ts';

/** The sum; it may have fewer elements than the value where all parts broadcast to it. Small parts are added first. */
export function addUp(b: GradientBuilder, parts: readonly string[]): string {
  const [first, ...rest] = [...parts].sort((x, y) => elementCount(b.dims(x)) - elementCount(b.dims(y)));
  return rest.reduce((sum, part) => b.add(sum, part), first as string);
}

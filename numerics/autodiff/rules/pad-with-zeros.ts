/** Zeros around a value, as one Pad node or none. */
import { present } from '../../../contracts/present.ts';
import type { GradientBuilder } from '../gradient-builder.ts';

export function padWithZeros(
  b: GradientBuilder,
  value: string,
  rim: { readonly axes: readonly number[]; readonly before: readonly number[]; readonly after: readonly number[] },
): string {
  const rank = b.dims(value).length;
  const pads = Array<number>(2 * rank).fill(0);
  for (const [index, axis] of rim.axes.entries()) {
    pads[axis] = present(rim.before[index], 'rim.before[index]');
    pads[axis + rank] = present(rim.after[index], 'rim.after[index]');
  }
  if (pads.every((count) => count === 0)) return value;
  return present(b.node('Pad', [value, b.integers(pads)])[0], 'the output of Pad');
}

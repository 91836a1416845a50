/** Which layers have windowed attention, according to config.json: by `layer_types`, or by counts in older files. */
import type { ConfigFields } from './config-fields.ts';

/**
 * One entry per layer: whether it has windowed attention. `otherwise` is used where config.json has no `layer_types`.
 */
export function slidingLayers(
  config: ConfigFields,
  count: number,
  otherwise: (index: number) => boolean,
): readonly boolean[] {
  const types = config.words('layer_types');
  if (types === undefined) return Array.from({ length: count }, (_, index) => otherwise(index));
  const known = new Map([
    ['full_attention', false],
    ['sliding_attention', true],
  ]);
  return Array.from({ length: count }, (_, index) => {
    const sliding = known.get(types[index] ?? '');
    if (sliding !== undefined && types.length === count) return sliding;
    throw config.fault(
      `"layer_types" says "${types[index]}" of layer ${index}, ${types.length} entries in all; expected full_attention or sliding_attention for each of ${count}`,
    );
  });
}

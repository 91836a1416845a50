/** Heads and layers as config.json states them, where layers are alike. */
import type { LayerSpecification, LayerWeights, TransformerSpecification } from '../transformer/specification.ts';
import type { ConfigFields } from './config-fields.ts';

/** Heads that divide the width among them, keys and values as many as queries. Throws InputError where they do not divide it. */
export function readHeads(
  config: ConfigFields,
  names: { readonly width: string; readonly heads: string } = { width: 'hidden_size', heads: 'num_attention_heads' },
): Pick<TransformerSpecification, 'width' | 'heads' | 'keyValueHeads' | 'headWidth' | 'scoreScale'> {
  const width = config.count(names.width, 'features');
  const heads = config.count(names.heads, 'heads');
  if (width % heads !== 0) throw config.fault(`${heads} heads do not divide the width ${width}`);
  const headWidth = width / heads;
  return { width, heads, keyValueHeads: heads, headWidth, scoreScale: 1 / Math.sqrt(headWidth) };
}

/** Layers that differ in nothing. */
export function alike(count: number, layer: LayerSpecification = {}): readonly LayerSpecification[] {
  return Array.from({ length: count }, () => layer);
}

/** The weights of each layer, read one after another: what is held beside them is one layer's. */
export async function readLayers(
  { layers }: Pick<TransformerSpecification, 'layers'>,
  read: (index: number, layer: LayerSpecification) => Promise<LayerWeights>,
): Promise<readonly LayerWeights[]> {
  const weights: LayerWeights[] = [];
  for (const [index, layer] of layers.entries()) weights.push(await read(index, layer));
  return weights;
}

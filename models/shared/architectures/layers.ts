/** Heads and layers from config.json, where all layers are alike. */
import type { LayerSpecification, LayerWeights, TransformerSpecification } from '../transformer/specification.ts';
import type { ConfigFields } from './config-fields.ts';

/** Heads that divide the width, with as many key-value heads. Throws InputError where they do not divide it. */
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

/** Identical layers. */
export function alike(count: number, layer: LayerSpecification = {}): readonly LayerSpecification[] {
  return Array.from({ length: count }, () => layer);
}

/** The weights of each layer, read one after another, so that only one layer is held in an intermediate form. */
export async function readLayers(
  { layers }: Pick<TransformerSpecification, 'layers'>,
  read: (index: number, layer: LayerSpecification) => Promise<LayerWeights>,
): Promise<readonly LayerWeights[]> {
  const weights: LayerWeights[] = [];
  for (const [index, layer] of layers.entries()) weights.push(await read(index, layer));
  return weights;
}

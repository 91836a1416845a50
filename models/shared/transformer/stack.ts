/**
 * Common parts of decoders and encoders: the sequence of layers, the tables of rotary positions, and checks of shapes.
 */
import { InputError } from '../../../contracts/errors.ts';
import { present } from '../../../contracts/present.ts';
import type { LayerRoles } from '../../../engine/definitions/model.ts';
import type { GraphBuilder } from '../../../numerics/onnx/builder.ts';
import { buildBlock } from './block.ts';
import { buildTurning, type Turning } from './rotary.ts';
import type { LayerWeights, Rotary, TransformerSpecification } from './specification.ts';

/** Gelu is an operator of opset 20. */
export const OPSET = 21;

/** Throws InputError for inconsistent heads, rotated features or layers. */
export function requireFittingShapes(
  id: string,
  { heads, keyValueHeads, headWidth, layers }: TransformerSpecification,
  weights: readonly LayerWeights[],
): void {
  if (heads % keyValueHeads !== 0) {
    throw new InputError(`${id}: ${keyValueHeads} key-value heads do not divide ${heads} heads`);
  }
  if (weights.length !== layers.length) {
    throw new InputError(`${id}: expected weights of ${layers.length} layers, got ${weights.length}`);
  }
  const turned = layers.find(({ rotary }) => rotary !== undefined && 2 * rotary.frequencies.length > headWidth);
  if (turned !== undefined)
    throw new InputError(`${id}: rotary positions rotate more than the ${headWidth} features of a head`);
}

export interface StackParts {
  readonly specification: TransformerSpecification;
  readonly weights: readonly LayerWeights[];
  /** [batch, sequence, width] */
  readonly input: string;
  /** Length of the input as a vector of one number. */
  readonly count: string;
  /** The mask of a layer with this window: bool, broadcast to [batch, heads, sequence, sequence]. */
  visible(window: number | undefined): string;
}

export function buildStack(
  b: GraphBuilder,
  { specification, weights, input, count, visible }: StackParts,
): readonly LayerRoles[] {
  const { layers, contextLength } = specification;
  const masks = new Map<number | undefined, string>();
  const turnings = new Map<Rotary, Turning>();
  let hidden = input;
  return layers.map(({ rotary, window }, index) => {
    // A window at least as long as the context hides nothing.
    const seen = window !== undefined && window >= contextLength ? undefined : window;
    const mask = masks.get(seen) ?? visible(seen);
    masks.set(seen, mask);
    const turning =
      rotary &&
      (turnings.get(rotary) ??
        buildTurning(b, turnings.size === 0 ? 'rotary' : `rotary.${turnings.size}`, { rotary, contextLength, count }));
    if (rotary && turning) turnings.set(rotary, turning);
    const name = `layers.${index}`;
    const layer = buildBlock(b.scope(name), name, {
      specification,
      weights: present(weights[index], 'weights[index]'),
      visible: mask,
      ...(turning && { turning }),
      input: hidden,
    });
    hidden = layer.output;
    return layer;
  });
}

/**
 * Rotary positions over interleaved pairs: frequencies with the scaling of each model family, tables of cosines and
 * sines, and the rotation itself. The tables of all positions are initializers, sliced at run time.
 */
import { present } from '../../../contracts/present.ts';
import type { GraphBuilder } from '../../../numerics/onnx/builder.ts';
import { tensorOf } from '../../../numerics/tensor/tensor.ts';
import { rotate } from '../rotary-positions.ts';
import type { Rotary } from './specification.ts';

export type RotaryScaling =
  | { readonly kind: 'default' }
  /** Positions divided by the factor (Chen et al. 2023, https://arxiv.org/abs/2306.15595). */
  | { readonly kind: 'linear'; readonly factor: number }
  /** Llama 3.1: long wavelengths divided by the factor, short ones kept, those in between interpolated. */
  | {
      readonly kind: 'llama3';
      readonly factor: number;
      readonly lowFrequencyFactor: number;
      readonly highFrequencyFactor: number;
      readonly originalContext: number;
    }
  /** Peng et al. 2023, https://arxiv.org/abs/2309.00071, section 3. */
  | {
      readonly kind: 'yarn';
      readonly factor: number;
      readonly originalContext: number;
      readonly fastTurns: number;
      readonly slowTurns: number;
      readonly amplitude: number;
    };

/** `features` is even: the number of rotated features of a head. */
export function rotaryOf(options: {
  readonly features: number;
  readonly base: number;
  readonly scaling: RotaryScaling;
}): Rotary {
  const { features, base, scaling } = options;
  const plain = Array.from({ length: features / 2 }, (_, pair) => base ** (-(2 * pair) / features));
  return {
    frequencies: plain.map((frequency, pair) => scaled(frequency, { pair, features, base, scaling })),
    amplitude: scaling.kind === 'yarn' ? scaling.amplitude : 1,
  };
}

function scaled(
  frequency: number,
  { pair, features, base, scaling }: { pair: number; features: number; base: number; scaling: RotaryScaling },
): number {
  switch (scaling.kind) {
    case 'default':
      return frequency;
    case 'linear':
      return frequency / scaling.factor;
    case 'llama3': {
      const { factor, lowFrequencyFactor, highFrequencyFactor, originalContext } = scaling;
      const turns = (originalContext * frequency) / (2 * Math.PI);
      if (turns < lowFrequencyFactor) return frequency / factor;
      if (turns > highFrequencyFactor) return frequency;
      const kept = (turns - lowFrequencyFactor) / (highFrequencyFactor - lowFrequencyFactor);
      return (1 - kept) * (frequency / factor) + kept * frequency;
    }
    case 'yarn': {
      const { factor, originalContext, fastTurns, slowTurns } = scaling;
      // The pair that makes this number of rotations within the original context.
      const pairOf = (turns: number): number =>
        (features * Math.log(originalContext / (turns * 2 * Math.PI))) / (2 * Math.log(base));
      const low = Math.max(Math.floor(pairOf(fastTurns)), 0);
      const high = Math.min(Math.ceil(pairOf(slowTurns)), features - 1);
      const ramp = Math.min(1, Math.max(0, (pair - low) / (high === low ? 0.001 : high - low)));
      return ramp * (frequency / factor) + (1 - ramp) * frequency;
    }
  }
}

/** Cosines and sines of the input's positions, [sequence, 1, pairs, 1]. */
export interface Turning {
  readonly cos: string;
  readonly sin: string;
  readonly pairs: number;
}

/** `name` is the prefix of the tables' names, `count` the length of the input as a vector of one number. */
export function buildTurning(
  b: GraphBuilder,
  name: string,
  { rotary, contextLength, count }: { readonly rotary: Rotary; readonly contextLength: number; readonly count: string },
): Turning {
  const { frequencies, amplitude } = rotary;
  const pairs = frequencies.length;
  const table = (of: (angle: number) => number): Float32Array =>
    Float32Array.from(
      { length: contextLength * pairs },
      (_, at) => amplitude * of(Math.floor(at / pairs) * present(frequencies[at % pairs], 'frequencies[at%pairs]')),
    );
  const part = (of: 'cos' | 'sin'): string => {
    const values = tensorOf('float32', [contextLength, 1, pairs, 1], table(Math[of]));
    const whole = b.initializer(`${name}.${of}.table`, values);
    return b.slice(whole, { starts: [0], ends: count, axes: [0], name: `${name}.${of}` });
  };
  return { cos: part('cos'), sin: part('sin'), pairs };
}

/**
 * [batch, sequence, heads · headWidth] or [batch, sequence, heads, headWidth] → the latter, the first 2 · pairs
 * features of each head rotated.
 */
export function turn(
  b: GraphBuilder,
  name: string,
  x: string,
  { heads, headWidth, turning }: { readonly heads: number; readonly headWidth: number; readonly turning: Turning },
): string {
  const { cos, sin, pairs } = turning;
  const features = 2 * pairs;
  // `rotate` only reads cosines and sines.
  const positions = { cos, sin, visible: '' };
  if (features === headWidth) return rotate(b, name, x, { heads, headWidth, positions });
  const apart = b.reshape(x, [0, 0, heads, headWidth], { name: `${name}.apart` });
  const [first, rest] = [`${name}.first`, `${name}.rest`];
  const outputs = b.split(apart, {
    axis: -1,
    sizes: [features, headWidth - features],
    outputs: [first, rest],
    name: `${name}.parts`,
  });
  const turned = rotate(b, `${name}.turned`, present(outputs[0], 'outputs[0]'), {
    heads,
    headWidth: features,
    positions,
  });
  return b.concat([turned, present(outputs[1], 'outputs[1]')], { axis: -1, name });
}

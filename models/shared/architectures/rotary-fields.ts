/**
 * Rotary positions from config.json: `rope_parameters` since transformers 5, `rope_theta` and `rope_scaling` before.
 */
import { InputError } from '../../../contracts/errors.ts';
import { rotaryOf, type RotaryScaling } from '../transformer/rotary.ts';
import type { Rotary } from '../transformer/specification.ts';
import type { ConfigFields } from './config-fields.ts';

export interface RotaryDefaults {
  readonly headWidth: number;
  readonly contextLength: number;
  readonly base?: number;
  /** Share of a head's features that is rotated. */
  readonly share?: number;
  /** Names of the fields outside `rope_parameters`. */
  readonly names?: { readonly base?: string; readonly share?: string };
}

export function readRotary(config: ConfigFields, defaults: RotaryDefaults): Rotary {
  const { names = {} } = defaults;
  // Always read, so that they are not reported as unknown where rope_parameters repeat them.
  const base = config.positive(names.base ?? 'rope_theta', defaults.base ?? 10_000);
  const share = config.positive(names.share ?? 'partial_rotary_factor', defaults.share ?? 1);
  const nested = config.nested('rope_parameters') ?? config.nested('rope_scaling');
  config.ignore('rope_scaling', 'rope_parameters');
  config.expect('rope_interleaved', [false]);
  return rotaryIn(nested, { ...defaults, base, share });
}

/** `fields` are those of one `rope_parameters`; undefined where there are none. */
export function rotaryIn(
  fields: ConfigFields | undefined,
  { headWidth, contextLength, base: givenBase = 10_000, share: givenShare = 1 }: RotaryDefaults,
): Rotary {
  const base = fields?.positive('rope_theta', givenBase) ?? givenBase;
  const share = fields?.positive('partial_rotary_factor', givenShare) ?? givenShare;
  const features = Math.trunc(headWidth * share);
  if (features < 2 || features % 2 !== 0) {
    throw new InputError(
      `config.json: rotary positions rotate ${features} of ${headWidth} features of a head; expected an even number`,
    );
  }
  const scaling = fields === undefined ? { kind: 'default' as const } : readScaling(fields, contextLength);
  return rotaryOf({ features, base, scaling });
}

function readScaling(fields: ConfigFields, contextLength: number): RotaryScaling {
  const kinds = { default: 'default', linear: 'linear', llama3: 'llama3', yarn: 'yarn' } as const;
  // Older files call it "type".
  const kind = fields.oneOf(fields.has('rope_type') ? 'rope_type' : 'type', kinds, 'default');
  fields.ignore('type');
  if (kind === 'default') {
    fields.ignore('factor', 'original_max_position_embeddings');
    return { kind };
  }
  const factor = fields.positive('factor');
  if (kind === 'linear') return { kind, factor };
  const originalContext = fields.positive('original_max_position_embeddings', contextLength);
  if (kind === 'llama3') {
    return {
      kind,
      factor,
      originalContext,
      lowFrequencyFactor: fields.positive('low_freq_factor'),
      highFrequencyFactor: fields.positive('high_freq_factor'),
    };
  }
  fields.expect('truncate', [true]);
  fields.expect('mscale', [null]);
  fields.expect('mscale_all_dim', [null]);
  return {
    kind,
    factor,
    originalContext,
    fastTurns: fields.positive('beta_fast', 32),
    slowTurns: fields.positive('beta_slow', 1),
    amplitude: fields.positive('attention_factor', factor <= 1 ? 1 : 0.1 * Math.log(factor) + 1),
  };
}

/** Parameters that every method has besides its own; the harness applies them to the model that the method returns. */
import * as v from 'valibot';

export const sharedParameters = {
  floats: v.optional(
    v.pipe(
      v.picklist(['float16', 'float32']),
      v.description('Storage type of weights and biases that the method leaves in floating point.'),
    ),
    'float16',
  ),
} as const;

const shared = v.object(sharedParameters);
export type SharedParameters = v.InferOutput<typeof shared>;
export type SharedInput = v.InferInput<typeof shared>;

export function isSharedParameter(name: string): boolean {
  return Object.hasOwn(sharedParameters, name);
}

/** The shared parameters among a method's checked parameters. */
export function sharedOf(params: Readonly<Record<string, unknown>>): SharedParameters {
  return v.parse(shared, params);
}

/** What v.strictObject returns: an unknown parameter is an error. */
export type ParamsSchema = v.GenericSchema<Record<string, unknown>, Record<string, unknown>> & {
  readonly entries: v.ObjectEntries;
};

export function withSharedParameters({ entries }: ParamsSchema): ParamsSchema {
  return v.strictObject({ ...entries, ...sharedParameters });
}

/** A method that misbehaves: what every declaration of test/support/hostile would repeat. */
import * as v from 'valibot';
import { type Method, defineMethod } from '../../../../engine/definitions/method.ts';
import type { Model } from '../../../../engine/definitions/model.ts';
import { defineExternalMethod } from '../../../../methods/shared/external/external-method.ts';

const DECLARATION = {
  family: 'pruning',
  access: 'data-free',
  revision: 1,
  licence: 'Apache-2.0',
  paper: { title: 'none', authors: 'none', year: 2026, url: 'https://example.org' },
} as const;

export function hostileMethod(parts: {
  readonly id: string;
  readonly description: string;
  readonly compress: (model: Model, params: Readonly<Record<string, unknown>>) => Model | Promise<Model>;
  readonly params?: Readonly<Record<string, unknown>>;
}): Method {
  const { id, description, compress, params = {} } = parts;
  return defineMethod({
    ...DECLARATION,
    id,
    description,
    params: v.strictObject(Object.fromEntries(Object.keys(params).map((name) => [name, v.unknown()]))),
    variants: { only: { ...params, floats: 'float32' } },
    compress: (model, context) => compress(model, context.params),
  });
}

/** One that runs this text in a shell, in the folder an external method is given. */
export function hostileCommand(parts: {
  readonly id: string;
  readonly description: string;
  readonly script: string;
}): Method {
  const { id, description, script } = parts;
  return defineExternalMethod({
    ...DECLARATION,
    id,
    description,
    params: v.strictObject({}),
    variants: { only: {} },
    command: ['sh', '-c', script],
  });
}

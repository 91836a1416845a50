/** A method that does nothing but note what its process was given; one of each access class. */
import { readFileSync } from 'node:fs';
import * as v from 'valibot';
import { type Method, defineMethod } from '../../../engine/definitions/method.ts';
import type { Access } from '../../../contracts/taxonomy.ts';
import { tensorOf } from '../../../numerics/tensor/tensor.ts';

/** Of harness/trial/trial-report.ts, which a method may not import. */
const LONGEST_NOTE = 1000;

export interface Observation {
  readonly calibrationTokens: number | null;
  readonly trainingTokens: number | null;
  /** What the method's process was started with. */
  readonly specification: Readonly<Record<string, unknown>>;
}

/** A remark has a longest length; each part begins with its number, since the same remark twice is one. */
function partsOf(text: string): string[] {
  const length = LONGEST_NOTE - 4;
  const count = Math.ceil(text.length / length);
  return Array.from({ length: count }, (_, at) => `${at}:${text.slice(at * length, (at + 1) * length)}`);
}

/** What the remarks of such a method say together. */
export function observationIn(notes: readonly string[]): Observation {
  const parts = notes.flatMap((note) => /^\d+:([^]*)$/.exec(note)?.[1] ?? []);
  return JSON.parse(parts.join('')) as Observation;
}

export function observing(access: Access): Method {
  return defineMethod({
    id: access,
    family: 'pruning',
    access,
    revision: 1,
    description: 'Notes what it is given.',
    paper: { title: 'none', authors: 'none', year: 2026, url: 'https://example.org' },
    licence: 'Apache-2.0',
    params: v.strictObject({}),
    variants: { only: {} },
    compress(model, context) {
      const { calibration, training } = context as {
        readonly calibration?: { readonly tokenCount: number };
        readonly training?: { readonly tokenCount: number };
      };
      const observation: Observation = {
        calibrationTokens: calibration?.tokenCount ?? null,
        trainingTokens: training?.tokenCount ?? null,
        specification: JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as Record<string, unknown>,
      };
      for (const part of partsOf(JSON.stringify(observation))) context.note(part);
      const [first] = model.linears;
      if (!first) return model;
      const { inFeatures, outFeatures } = first;
      const zeros = tensorOf('float32', [inFeatures, outFeatures], new Float32Array(inFeatures * outFeatures));
      return model.withWeight(first, zeros);
    },
  });
}

/** The definition of a classifier that our own engine fine-tunes on first use. */
import * as v from 'valibot';
import type { FineTuningRecipe } from '../../../engine/definitions/fine-tuning.ts';
import type { ModelDefinition } from '../../../engine/definitions/model.ts';
import { defineTransformersModel } from '../transformers-definition.ts';

const accuracySchema = v.strictObject({
  rows: v.pipe(v.number(), v.integer(), v.minValue(1)),
  accuracy: v.number(),
  /** 95 % interval. */
  low: v.number(),
  high: v.number(),
});

/** Record of how a model was made, stored beside its files or in models/fine-tuned/ of the repository. */
export const madeModelSchema = v.strictObject({
  model: v.string(),
  /** See recipeDigest(). */
  recipe: v.string(),
  files: v.array(v.strictObject({ path: v.string(), sha256: v.string(), sizeBytes: v.number() })),
  /** On rows held out of the training split, on which recipes are chosen. */
  heldOut: accuracySchema,
  /** On the test split, which was not used for any choice. */
  test: accuracySchema,
  machine: v.string(),
});

export type MadeModel = v.InferOutput<typeof madeModelSchema>;

interface FineTunedFacts extends Pick<ModelDefinition, 'id' | 'title' | 'licence' | 'trainedOn'> {
  readonly base: ModelDefinition;
  readonly recipe: FineTuningRecipe;
  /** Accuracy of a model of this kind as published by others, with its source. */
  readonly published: string;
  /** Result of making the model for publication; absent before. */
  readonly made?: MadeModel;
}

export function defineFineTunedModel({ base, recipe, published, made, ...facts }: FineTunedFacts): ModelDefinition {
  const measured = made === undefined ? 'not measured yet' : accuracyInWords(made.test);
  const card = `accuracy on the published validation rows: ${measured}; published by others: ${published}`;
  return defineTransformersModel({
    ...facts,
    card,
    architecture: base.architecture,
    kind: 'encoder',
    citation:
      `ShrinkRank contributors: ${base.title} fine-tuned on ${recipe.dataset} by ShrinkRank’s own engine, 2026; ${card}. ` +
      `Base: ${base.citation}`,
    source: { kind: 'fine-tuned', base, recipe, files: made?.files ?? [] },
    testItemsSeen: [],
  });
}

/** `0.653 (95 % interval 0.596 to 0.708, 277 rows)` */
export function accuracyInWords({ accuracy, low, high, rows }: MadeModel['test']): string {
  return `${accuracy.toFixed(3)} (95 % interval ${low.toFixed(3)} to ${high.toFixed(3)}, ${rows} rows)`;
}

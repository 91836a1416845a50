/**
 * Inputs of linear layers rounded to few bits on a grid that is fixed beforehand. Standard operators round them, so the
 * model computes exactly what it states; but no kernel multiplies such codes by weights of few bits, so the product
 * runs in float32 and the speed is not that of integer arithmetic.
 */
import * as v from 'valibot';
import { activationRanges } from '../../../engine/calibrate/activation-ranges.ts';
import type { Example } from '../../../engine/definitions/method.ts';
import type { Model } from '../../../engine/definitions/model.ts';
import { withGraph } from '../../../numerics/onnx/edit.ts';
import {
  type ActivationBits,
  type ActivationGrid,
  gridOfActivations,
  withRoundedActivation,
} from './activation-grid.ts';

export const activationBitsParameter = v.optional(
  v.pipe(
    v.picklist([4, 8]),
    v.description(
      'Bits of the inputs of linear layers, on a fixed grid; without it the kernel quantizes them at run time.',
    ),
  ),
);

/**
 * Percent of the elements inside the range of a grid: with few levels, covering rare extremes costs too much precision.
 */
const PERCENTILE = { 4: 99.9, 8: 99.99 } as const satisfies Record<ActivationBits, number>;

/** A grid for each input of the model's linear layers, from calibration data. */
export async function inputGrids(run: {
  readonly model: Model;
  readonly examples: readonly Example[];
  readonly bits: ActivationBits;
  readonly signal: AbortSignal;
}): Promise<ReadonlyMap<string, ActivationGrid>> {
  const { bits, ...rest } = run;
  const values = [...new Set(run.model.linears.map(({ input }) => input))];
  const ranges = await activationRanges({
    ...rest,
    values,
    rule: { kind: 'percentile', percentile: PERCENTILE[bits] },
  });
  return new Map([...ranges].map(([value, range]) => [value, gridOfActivations(range, bits)]));
}

/** The model whose linear layers, of whatever operator, read these inputs rounded; other readers get them unrounded. */
export function withRoundedInputs(model: Model, grids: ReadonlyMap<string, ActivationGrid>): Model {
  let { graph } = model.onnx;
  for (const [value, grid] of grids) {
    const readers = new Set(model.linears.filter(({ input }) => input === value).map(({ node }) => node));
    graph = withRoundedActivation(graph, { value, grid, readers });
  }
  return model.withOnnx(withGraph(model.onnx, graph));
}

/** Why such an artifact is simulated. */
export function roundedInputsRemark(bits: ActivationBits): string {
  return `activations are rounded to ${bits} bits on a fixed grid, but no kernel multiplies them so: products run in float32`;
}

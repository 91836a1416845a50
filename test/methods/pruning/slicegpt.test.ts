import { describe, expect, it } from 'vitest';
import type { Model } from '../../../engine/definitions/model.ts';
import { withGraph } from '../../../numerics/onnx/edit.ts';
import { createNode } from '../../../numerics/onnx/node.ts';
import { multiply, transpose } from '../../../numerics/tensor/linear-algebra.ts';
import { tensorOf } from '../../../numerics/tensor/tensor.ts';
import method, { principalBases } from '../../../methods/pruning/slicegpt.ts';
import { segmentsOf } from '../../../methods/shared/surgery/pre-norm-stream.ts';
import { withStreamBases } from '../../../methods/shared/surgery/stream-basis.ts';
import type { Basis } from '../../../methods/shared/surgery/stream-draft.ts';
import { methodContext } from '../../support/method-context.ts';
import { largestDifference, logitsOf } from '../../support/run-model.ts';
import { tinyGpt, tinyLlama } from '../../support/tiny-model.ts';

const rows = [
  [3, 10, 17, 24, 31, 38],
  [1, 2, 3, 5, 8, 13],
];
const models: Readonly<Record<string, Model>> = {
  'tied RMSNorm': tinyLlama(),
  'untied RMSNorm': tinyLlama({ tied: false, width: 48, heads: 4, keyValueHeads: 4 }),
  'tied LayerNorm with biases': tinyGpt({ width: 40 }),
};

function basesOf(model: Model, features: number): Promise<readonly Basis[]> {
  const { context } = methodContext({ method, variant: 'p50', model });
  return principalBases(model, { features, examples: context.calibration.examples, signal: context.signal });
}

/** The dense graph in which each segment of the stream, x, is replaced by x Q Qᵀ. */
function projected(model: Model, bases: readonly Basis[]): Model {
  const { width } = model.roles;
  const segments = segmentsOf(model);
  const initializers = new Map(model.onnx.graph.initializers);
  for (const [s, { matrix, features }] of bases.entries()) {
    const right = transpose(matrix, width, features);
    const projection = multiply({ left: matrix, right, rows: width, inner: features, columns: width });
    initializers.set(`projection.${s}`, tensorOf('float32', [width, width], Float32Array.from(projection)));
  }
  const nodes = model.onnx.graph.nodes.flatMap((node) => {
    const s = segments.findIndex(({ value }) => node.outputs.includes(value));
    if (s < 0) return [node];
    const name = `projected.${s}`;
    const inputs = [`${name}.from`, `projection.${s}`];
    const { outputs } = node;
    return [{ ...node, outputs: inputs.slice(0, 1) }, createNode({ op: 'MatMul', name, inputs, outputs })];
  });
  return model.withOnnx(withGraph(model.onnx, { ...model.onnx.graph, nodes, initializers }));
}

describe.each(Object.entries(models))('slicing a model with %s', (_name, model) => {
  it('computes the same logits when nothing is removed', async () => {
    const whole = withStreamBases(model, await basesOf(model, model.roles.width));
    expect(largestDifference(await logitsOf(whole, rows), await logitsOf(model, rows))).toBeLessThan(5e-5);
  });

  it('computes what the dense model does on a stream projected to the same components', async () => {
    const bases = await basesOf(model, 16);
    const sliced = await logitsOf(withStreamBases(model, bases), rows);
    expect(largestDifference(sliced, await logitsOf(projected(model, bases), rows))).toBeLessThan(5e-5);
    expect(largestDifference(sliced, await logitsOf(model, rows))).toBeGreaterThan(0.01);
  });
});

describe('the method slicegpt', () => {
  it('makes matrices smaller and describes them', async () => {
    const model = tinyLlama({ tied: false });
    const { context, notes } = methodContext({ method, variant: 'p75', model });
    const sliced = await method.compress(model, context);
    expect(notes).toEqual(['features of the stream: 24 of 32']);
    expect(sliced.roles.width).toBe(24);
    for (const linear of sliced.linears) {
      expect(sliced.weight(linear)).toHaveLength(linear.inFeatures * linear.outFeatures);
      expect([linear.inFeatures, linear.outFeatures]).toContain(24);
    }
    expect(sliced.onnx.graph.initializers.get(model.roles.embedding.weight)?.dims).toEqual([64, 24]);
  });

  it('keeps more of the stream than random directions', async () => {
    const model = tinyGpt();
    const dense = await logitsOf(model, rows);
    const errorOf = async (variant: string): Promise<number> => {
      const made = await method.compress(model, methodContext({ method, variant, model }).context);
      return (await logitsOf(made, rows)).reduce((sum, value, i) => sum + (value - dense[i]!) ** 2, 0);
    };
    expect(await errorOf('p75')).toBeLessThan(await errorOf('p75-random'));
  });
});

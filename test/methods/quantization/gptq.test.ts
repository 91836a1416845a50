import { describe, expect, it } from 'vitest';
import { secondMoments } from '../../../engine/calibrate/second-moments.ts';
import { createSession } from '../../../engine/runtime/session.ts';
import { exampleFeeds } from '../../../engine/runtime/token-feeds.ts';
import gptqMethod from '../../../methods/quantization/gptq.ts';
import { gptqLayer } from '../../../methods/shared/solvers/gptq-layer.ts';
import { dequantizeWeight, quantizeWeight } from '../../../methods/shared/formats/matmul-nbits.ts';
import { layerError } from '../../support/layer-problem.ts';
import { methodContext } from '../../support/method-context.ts';
import { tinyLlama } from '../../support/tiny-model.ts';

const defaults = { bits: 4, symmetric: true, groupSize: 16, damping: 0.01, where: 'the test' } as const;

describe('gptq', () => {
  const model = tinyLlama();

  it('stores the corrected weights in MatMulNBits, with a smaller error than rounding in every layer', async () => {
    const { context } = methodContext({ method: gptqMethod, variant: 'w4g16', model });
    const smaller = await gptqMethod.compress(model, context);
    const linears = smaller.onnx.graph.nodes.filter(({ op }) => op === 'MatMulNBits');
    expect(linears.map(({ name }) => name).sort()).toEqual(model.linears.map(({ node }) => node).sort());
    const session = await createSession(smaller.onnx, { threads: 1 });
    const { logits } = await session.run(exampleFeeds(smaller.onnx.graph.inputs, context.calibration.examples[0]!));
    await session.release();
    expect(logits!.dims).toEqual([1, 16, 64]);

    const moments = await secondMoments({ model, examples: context.calibration.examples });
    for (const linear of model.linears) {
      const moment = moments.get(linear.role)?.sum as Float64Array;
      const { inFeatures, outFeatures } = linear;
      const problem = { weight: model.weight(linear), moment, inFeatures, outFeatures };
      const ours = layerError(problem, dequantizeWeight(await gptqLayer({ ...problem, ...defaults })));
      expect(ours).toBeLessThan(
        layerError(problem, dequantizeWeight(quantizeWeight(problem.weight, { ...problem, ...defaults }))),
      );
    }
  });

  it('stops when aborted', async () => {
    const { context } = methodContext({
      method: gptqMethod,
      variant: 'w4',
      model,
      signal: AbortSignal.abort(new Error('over')),
    });
    await expect(gptqMethod.compress(model, context)).rejects.toThrow('over');
  });
});

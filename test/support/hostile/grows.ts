import { addInitializers } from '../../../numerics/onnx/edit.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';
import { tensorOf } from '../../../numerics/tensor/tensor.ts';
import * as v from 'valibot';
import { defineMethod } from '../../../engine/definitions/method.ts';

export default defineMethod({
  id: 'grows',
  family: 'pruning',
  access: 'data-free',
  revision: 1,
  description: 'Adds weights and calls it compression.',
  paper: { title: 'none', authors: 'none', year: 2026, url: 'https://example.org' },
  licence: 'Apache-2.0',
  params: v.strictObject({}),
  variants: { only: {} },
  compress(model) {
    const random = createRandom('grows');
    const ballast = tensorOf(
      'float32',
      [20_000],
      Float32Array.from({ length: 20_000 }, () => random.normal()),
    );
    return model.withOnnx({ ...model.onnx, graph: addInitializers(model.onnx.graph, { ballast }) });
  },
});

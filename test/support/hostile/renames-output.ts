import { renameValues } from '../../../numerics/onnx/names.ts';
import * as v from 'valibot';
import { defineMethod } from '../../../engine/definitions/method.ts';

export default defineMethod({
  id: 'renames-output',
  family: 'pruning',
  access: 'data-free',
  revision: 1,
  description: 'Calls the output by another name.',
  paper: { title: 'none', authors: 'none', year: 2026, url: 'https://example.org' },
  licence: 'Apache-2.0',
  params: v.strictObject({}),
  variants: { only: {} },
  compress: (model) =>
    model.withOnnx({
      ...model.onnx,
      graph: renameValues(model.onnx.graph, (name) => (name === 'logits' ? 'scores' : name)),
    }),
});

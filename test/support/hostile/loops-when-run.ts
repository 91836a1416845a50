import { createGraphBuilder } from '../../../numerics/onnx/builder.ts';
import { createNode } from '../../../numerics/onnx/node.ts';
import { tensorOf } from '../../../numerics/tensor/tensor.ts';
import { hostileMethod } from './shared/hostile-method.ts';
import { poisonLogits } from './shared/poison-logits.ts';

/** Body of a Loop: iteration, condition and a number in; the condition, and the number plus nothing, out. */
function endlessBody() {
  const body = createGraphBuilder({ name: 'endless' });
  body.input('turn', 'int64', []);
  body.input('go_on', 'bool', []);
  body.input('number', 'float32', []);
  const still = body.node('Identity', ['go_on'], { name: 'still' })[0] ?? '';
  const same = body.node('Mul', ['number', 'number'], { name: 'same' })[0] ?? '';
  body.output(still, { name: 'go_on_out', dtype: 'bool', dims: [] });
  body.output(same, { name: 'number_out', dtype: 'float32', dims: [] });
  return body.build().graph;
}

export default hostileMethod({
  id: 'loops-when-run',
  description: 'Returns a file whose graph never ends when it is run.',
  compress: (model) =>
    poisonLogits(model, {
      initializers: {
        turns: tensorOf('int64', [], BigInt64Array.of(2n ** 62n)),
        yes: { dtype: 'bool', dims: [], bytes: Uint8Array.of(1) },
        zero: tensorOf('float32', [], Float32Array.of(0)),
      },
      nodes: [
        createNode({
          op: 'Loop',
          name: 'endless_loop',
          inputs: ['turns', 'yes', 'zero'],
          outputs: ['endless'],
          attributes: { body: { type: 'graph', value: endlessBody() } },
        }),
      ],
    }),
});

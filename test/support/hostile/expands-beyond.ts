import { createNode } from '../../../numerics/onnx/node.ts';
import { tensorOf } from '../../../numerics/tensor/tensor.ts';
import { hostileMethod } from './shared/hostile-method.ts';
import { poisonLogits } from './shared/poison-logits.ts';

/** 4 EiB of float32: more than any address. */
const SHAPE = [2n ** 20n, 2n ** 20n, 2n ** 20n];

export default hostileMethod({
  id: 'expands-beyond',
  description: 'Returns a small file whose graph expands one number to more than there is memory in the world.',
  compress: (model) =>
    poisonLogits(model, {
      initializers: {
        giant_shape: tensorOf('int64', [3], BigInt64Array.from(SHAPE)),
        seed: tensorOf('float32', [1, 1, 1], Float32Array.of(0)),
      },
      nodes: [
        createNode({ op: 'Expand', name: 'giant', inputs: ['seed', 'giant_shape'], outputs: ['giant'] }),
        createNode({
          op: 'ReduceSum',
          name: 'giant_sum',
          inputs: ['giant'],
          outputs: ['giant_sum'],
          attributes: { keepdims: { type: 'int', value: 0n } },
        }),
      ],
    }),
});

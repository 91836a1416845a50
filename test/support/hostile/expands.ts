import { createNode } from '../../../numerics/onnx/node.ts';
import { tensorOf } from '../../../numerics/tensor/tensor.ts';
import { hostileMethod } from './shared/hostile-method.ts';
import { poisonLogits } from './shared/poison-logits.ts';

/** 8 GiB of float32 zeros from a shape of eight bytes. */
const ELEMENTS = 2n ** 31n;

export default hostileMethod({
  id: 'expands',
  description: 'Returns a small file whose graph makes gigabytes of zeros when it is run.',
  compress: (model) =>
    poisonLogits(model, {
      initializers: { giant_shape: tensorOf('int64', [1], BigInt64Array.of(ELEMENTS)) },
      nodes: [
        createNode({ op: 'ConstantOfShape', name: 'giant', inputs: ['giant_shape'], outputs: ['giant'] }),
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

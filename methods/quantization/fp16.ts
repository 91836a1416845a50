/**
 * Half-precision storage: weights are kept as float16 and cast to float32 when the model is loaded.
 * Format of Micikevicius et al. 2018, https://arxiv.org/abs/1710.03740, for storage alone: arithmetic stays in float32, so the
 * file halves and neither speed nor resident memory change.
 */
import { present } from '../../contracts/present.ts';
import * as v from 'valibot';
import { NumericalError } from '../../contracts/errors.ts';
import { defineMethod } from '../../engine/definitions/method.ts';
import type { Model } from '../../engine/definitions/model.ts';
import { int } from '../../numerics/onnx/attributes.ts';
import { addInitializers, insertNodes, withGraph } from '../../numerics/onnx/edit.ts';
import { createNode } from '../../numerics/onnx/node.ts';
import { DTYPES } from '../../numerics/tensor/dtype.ts';
import { toFloat16Bits } from '../../numerics/tensor/float16.ts';
import { elements, type NumericTensor, rawTensor, type Tensor } from '../../numerics/tensor/tensor.ts';

export default defineMethod({
  id: 'fp16',
  family: 'quantization',
  access: 'data-free',
  revision: 1,
  description:
    'Stores every weight matrix, embedding included, in 16 instead of 32 bits and widens it again when the model is loaded. ' +
    'The file halves. Speed and memory stay those of the dense model, since the CPU computes in 32 bits.',
  paper: {
    title: 'Mixed Precision Training',
    authors:
      'Paulius Micikevicius, Sharan Narang, Jonah Alben, Gregory Diamos, Erich Elsen, David Garcia, Boris Ginsburg, Michael Houston, Oleksii Kuchaiev, Ganesh Venkatesh, Hao Wu',
    year: 2018,
    url: 'https://arxiv.org/abs/1710.03740',
  },
  licence: 'Apache-2.0',
  params: v.strictObject({}),
  variants: { w16: {} },

  compress(model, { signal, progress }) {
    let { graph } = model.onnx;
    const names = weightNames(model);
    names.forEach((name, index) => {
      signal.throwIfAborted();
      const initializers = new Map(graph.initializers);
      const stored = `${name}.float16`;
      const tensor = initializers.get(name) as Tensor;
      initializers.delete(name);
      graph = addInitializers({ ...graph, initializers }, { [stored]: toFloat16(name, tensor) });
      const cast = createNode({
        op: 'Cast',
        name: `${name}.widen`,
        inputs: [stored],
        outputs: [name],
        attributes: { to: int(DTYPES.float32.code) },
      });
      graph = insertNodes(graph, [cast], { before: present(graph.nodes[0], 'first node').name });
      progress((index + 1) / names.length);
    });
    return model.withOnnx(withGraph(model.onnx, graph));
  },
});

/** Linear layers, output layer and tables; norms and biases are too small to matter and sensitive. */
function weightNames({ linears, roles: { pooler, head, embedding, positions } }: Model): readonly string[] {
  return [...linears, pooler, head, embedding, positions].flatMap((part) => (part === undefined ? [] : [part.weight]));
}

function toFloat16(name: string, tensor: Tensor): NumericTensor {
  const patterns = Uint16Array.from(elements(tensor, 'float32'), (value) => {
    const pattern = toFloat16Bits(value);
    if ((pattern & 0x7fff) < 0x7c00) return pattern;
    throw new NumericalError(`fp16: ${name} holds ${value}, which float16 (at most 65504) cannot; leave it in float32`);
  });
  return rawTensor('float16', tensor.dims, new Uint8Array(patterns.buffer));
}

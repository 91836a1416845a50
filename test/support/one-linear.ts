/** A graph that is one linear layer, and its role. */
import type { LinearRole } from '../../engine/definitions/model.ts';
import type { OnnxModel } from '../../numerics/onnx/graph.ts';
import { createNode } from '../../numerics/onnx/node.ts';
import { createSession } from '../../engine/runtime/session.ts';
import { elements, tensorOf } from '../../numerics/tensor/tensor.ts';

/** y = x w for x [1, rows, in]. */
export function oneLinear(weight: Float32Array, inFeatures: number, outFeatures: number, opset = 21): OnnxModel {
  const value = (name: string, width: number) =>
    ({ name, type: { kind: 'tensor', dtype: 'float32', dims: [1, 'rows', width] } }) as const;
  return {
    irVersion: 10,
    opsets: new Map([['', opset]]),
    producerName: 'test',
    producerVersion: '',
    domain: '',
    modelVersion: 0n,
    functions: [],
    graph: {
      name: 'linear',
      nodes: [
        createNode({ op: 'Identity', name: 'entry', inputs: ['x'], outputs: ['hidden'] }),
        createNode({ op: 'MatMul', name: 'linear', inputs: ['hidden', 'w'], outputs: ['product'] }),
        createNode({ op: 'Identity', name: 'exit', inputs: ['product'], outputs: ['y'] }),
      ],
      inputs: [value('x', inFeatures)],
      outputs: [value('y', outFeatures)],
      initializers: new Map([['w', tensorOf('float32', [inFeatures, outFeatures], weight)]]),
      sparseInitializers: [],
      valueInfo: [],
    },
  };
}

export function roleOfOneLinear(inFeatures: number, outFeatures: number): LinearRole {
  const names = { role: 'linear', node: 'linear', weight: 'w', input: 'hidden', output: 'product' };
  return { ...names, inFeatures, outFeatures };
}

/** y for x [1, rows, in]. */
export async function runOneLinear(model: OnnxModel, x: Float32Array, inFeatures: number): Promise<Float32Array> {
  const session = await createSession(model, { threads: 1 });
  try {
    const { y } = await session.run({ x: tensorOf('float32', [1, x.length / inFeatures, inFeatures], x) });
    return elements(y!, 'float32').slice();
  } finally {
    await session.release();
  }
}

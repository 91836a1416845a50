import { describe, expect, it } from 'vitest';
import { InputError } from '../../../contracts/errors.ts';
import type { LinearRole, Model } from '../../../engine/definitions/model.ts';
import { tensorOf } from '../../../numerics/tensor/tensor.ts';
import { tinyLlama } from '../../support/tiny-model.ts';

function linearOf(model: Model, role: string): LinearRole {
  const linear = model.linears.find((known) => known.role === role);
  if (!linear) throw new Error(`no ${role}`);
  return linear;
}

describe('createModel', () => {
  it('lists linear layers in the order of data flow', () => {
    const roles = ['q', 'k', 'v', 'o', 'gate', 'up', 'down'];
    expect(tinyLlama().linears.map(({ role }) => role)).toEqual(
      [0, 1].flatMap((layer) => roles.map((role) => `layers.${layer}.${role}`)),
    );
  });

  it('replaces a weight in a new model and shares everything else', () => {
    const model = tinyLlama();
    const down = linearOf(model, 'layers.1.down');
    const before = model.weight(down).slice();
    const changed = model.withWeight(
      down,
      tensorOf(
        'float32',
        [48, 32],
        before.map((value) => -value),
      ),
    );
    expect(changed.weight(down)).toEqual(before.map((value) => -value));
    expect(model.weight(down)).toEqual(before);
    expect(changed.onnx.graph.nodes).toBe(model.onnx.graph.nodes);
    for (const [name, tensor] of model.onnx.graph.initializers) {
      if (name !== down.weight) expect(changed.onnx.graph.initializers.get(name)).toBe(tensor);
    }
  });

  it('refuses a weight of another shape or element type', () => {
    const model = tinyLlama();
    const q = linearOf(model, 'layers.0.q');
    expect(() => model.withWeight(q, tensorOf('float32', [16, 64], new Float32Array(1024)))).toThrow(
      /layers.0.q must be float32\[32, 32\], got float32\[16, 64\]/,
    );
    expect(() => model.withWeight(q, tensorOf('int8', [32, 32], new Int8Array(1024)))).toThrow(InputError);
  });

  it('refuses to read a weight that is gone or has another form', () => {
    const model = tinyLlama();
    const q = linearOf(model, 'layers.0.q');
    const { graph } = model.onnx;
    const without = new Map(graph.initializers);
    without.delete(q.weight);
    const gone = model.withOnnx({ ...model.onnx, graph: { ...graph, initializers: without } });
    expect(() => gone.weight(q)).toThrow(/layers.0.q has no initializer layers.0.q.weight any more/);
    const packed = new Map(graph.initializers).set(q.weight, tensorOf('uint8', [32, 32], new Uint8Array(1024)));
    const other = model.withOnnx({ ...model.onnx, graph: { ...graph, initializers: packed } });
    expect(() => other.weight(q)).toThrow(/is uint8\[32, 32\], expected float32\[32, 32\]/);
    expect(other.weight(linearOf(model, 'layers.0.k'))).toHaveLength(512);
  });
});

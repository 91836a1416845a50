import { describe, expect, it } from 'vitest';
import { UnsupportedError } from '../../../../contracts/errors.ts';
import type { LayerRoles, Model } from '../../../../engine/definitions/model.ts';
import { withGraph } from '../../../../numerics/onnx/edit.ts';
import { captureValues } from '../../../../engine/runtime/capture.ts';
import { symmetricEigen } from '../../../../numerics/tensor/linear-algebra.ts';
import { createRandom } from '../../../../numerics/tensor/random.ts';
import { elements, type Tensor } from '../../../../numerics/tensor/tensor.ts';
import { withBottlenecks } from '../../../../methods/shared/surgery/bottleneck.ts';
import { biasOf, keepUnits } from '../../../../methods/shared/surgery/structure.ts';
import { largestDifference, logitsOf } from '../../../support/run-model.ts';
import { tinyBert, tinyGpt, tinyLlama, tinyModels } from '../../../support/tiny-model.ts';

const rows = [[1, 9, 17, 4, 33, 60]];
const WIDTH = 32;
const random = createRandom('bottleneck');
const layersOf = (model: Model, basis: Float64Array) => model.roles.layers.map(() => basis);
const identity = Float64Array.from({ length: WIDTH * WIDTH }, (_, at) => (at % (WIDTH + 1) === 0 ? 1 : 0));

/** The first columns of a random rotation, [32, narrow]. */
function directions(narrow: number): Float64Array {
  const symmetric = new Float64Array(WIDTH * WIDTH);
  for (let i = 0; i < WIDTH; i++)
    for (let j = 0; j <= i; j++) symmetric[i * WIDTH + j] = symmetric[j * WIDTH + i] = random.normal();
  const { vectors } = symmetricEigen(symmetric, WIDTH);
  return Float64Array.from(
    { length: WIDTH * narrow },
    (_, at) => vectors[(at % narrow) * WIDTH + Math.floor(at / narrow)] as number,
  );
}

async function valueOf(model: Model, value: string): Promise<Float32Array> {
  let found = new Float32Array();
  await captureValues({
    model: model.onnx,
    values: [value],
    examples: [{ tokens: Int32Array.from(rows[0] ?? []) }],
    visit: (captured) => void (found = elements(captured[value]!, 'float32').slice()),
  });
  return found;
}

describe('withBottlenecks', () => {
  it('computes the same as the model when all directions are kept', async () => {
    // A root mean square does not change when its input is turned; a mean does, so the others keep their axes.
    const llama = tinyLlama();
    const turned = withBottlenecks(llama, { narrow: WIDTH, bases: layersOf(llama, directions(WIDTH)) });
    expect(largestDifference(await logitsOf(turned, rows), await logitsOf(llama, rows))).toBeLessThan(1e-4);
    const gpt = tinyGpt();
    const same = withBottlenecks(gpt, { narrow: WIDTH, bases: layersOf(gpt, identity) });
    expect(largestDifference(await logitsOf(same, rows), await logitsOf(gpt, rows))).toBeLessThan(1e-4);
  });

  it('puts a norm after the sum where the model normalises after its sublayers', async () => {
    const model = tinyBert();
    const student = withBottlenecks(model, { narrow: WIDTH, bases: layersOf(model, identity) });
    const { input, output } = model.roles.layers[0] as LayerRoles;
    const [x, y] = [await valueOf(model, input), await valueOf(model, output)];
    const found = await valueOf(student, output);
    const held = (name: string) => elements(model.onnx.graph.initializers.get(name) as Tensor, 'float32');
    const [scale, shift] = ['weight', 'bias'].map((part) => held(`layers.0.feed_forward.norm.${part}`));
    for (let row = 0; row < 6; row++) {
      const sum = Array.from(
        { length: WIDTH },
        (_, i) => (x[row * WIDTH + i] as number) + (y[row * WIDTH + i] as number),
      );
      const mean = sum.reduce((a, b) => a + b) / WIDTH;
      const deviation = Math.sqrt(sum.reduce((all, value) => all + (value - mean) ** 2, 0) / WIDTH);
      for (let i = 0; i < WIDTH; i++) {
        const expected = (((sum[i] as number) - mean) / deviation) * (scale?.[i] as number) + (shift?.[i] as number);
        expect(found[row * WIDTH + i]).toBeCloseTo(expected, 4);
      }
    }
  });

  it('loses little where the stream spans few directions', async () => {
    // Everything that is ever added to the stream lies in 20 of 32 directions, so that the narrow block sees all of it.
    const model = tinyLlama();
    const basis = directions(20);
    const project = (matrix: Float32Array): Float32Array =>
      matrix.map((_, at) => {
        const [row, column] = [Math.floor(at / WIDTH), at % WIDTH];
        let sum = 0;
        for (let k = 0; k < 20; k++)
          for (let i = 0; i < WIDTH; i++)
            sum +=
              (matrix[row * WIDTH + i] as number) * (basis[i * 20 + k] as number) * (basis[column * 20 + k] as number);
        return sum;
      });
    const initializers = new Map(model.onnx.graph.initializers);
    const names = [
      model.roles.embedding.weight,
      ...model.roles.layers.flatMap(({ o, down }) => [o.weight, down.weight]),
    ];
    for (const name of names) {
      const tensor = initializers.get(name) as Tensor;
      const values = project(elements(tensor, 'float32'));
      initializers.set(name, { ...tensor, bytes: new Uint8Array(values.buffer) } as never);
    }
    const flat = model.withOnnx(withGraph(model.onnx, { ...model.onnx.graph, initializers }));
    const student = withBottlenecks(flat, { narrow: 20, bases: layersOf(flat, basis) });
    const [expected, found] = [await logitsOf(flat, rows), await logitsOf(student, rows)];
    // The narrow root mean square adds its ε to a larger number.
    expect(largestDifference(found, expected)).toBeLessThan(1e-3);
  });

  it.each(tinyModels.map((model) => [model.id, model] as const))(
    'has roles that fit, and can be cut on: %s',
    async (_, model) => {
      const student = withBottlenecks(model, { narrow: 12, bases: layersOf(model, directions(12)) });
      const { graph } = student.onnx;
      const made = new Set(graph.nodes.flatMap(({ outputs }) => outputs));
      for (const linear of student.linears) {
        expect(student.weight(linear)).toHaveLength(linear.inFeatures * linear.outFeatures);
        expect(made.has(linear.input)).toBe(true);
        if (linear.bias !== undefined) expect(biasOf(student, linear)).toHaveLength(linear.outFeatures);
      }
      for (const { q, o, up, down, input, output } of student.roles.layers) {
        expect([q.inFeatures, up.inFeatures, o.outFeatures, down.outFeatures]).toEqual([12, 12, 12, 12]);
        expect((await valueOf(student, input)).length).toBe(6 * WIDTH);
        expect((await valueOf(student, output)).length).toBe(6 * WIDTH);
      }
      const cut = keepUnits(
        student,
        student.roles.layers.map(() => ({ heads: [0], neurons: [1, 2, 3] })),
      );
      expect((await logitsOf(cut, rows)).every(Number.isFinite)).toBe(true);
    },
  );

  it('refuses a model with unsupported norms', () => {
    const model = tinyGpt();
    const graph = {
      ...model.onnx.graph,
      nodes: model.onnx.graph.nodes.map((node) =>
        node.op === 'LayerNormalization' ? { ...node, op: 'InstanceNormalization' } : node,
      ),
    };
    const other = model.withOnnx(withGraph(model.onnx, graph));
    expect(() => withBottlenecks(other, { narrow: 12, bases: layersOf(model, directions(12)) })).toThrow(
      UnsupportedError,
    );
  });
});

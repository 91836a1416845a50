import { describe, expect, it } from 'vitest';
import { InputError, UnsupportedError } from '../../../contracts/errors.ts';
import { GRADIENT_METADATA, gradientGraph, reachedBy } from '../../../numerics/autodiff/gradient.ts';
import { defineRule } from '../../../numerics/autodiff/rule.ts';
import { createGraphBuilder, type GraphBuilder } from '../../../numerics/onnx/builder.ts';
import type { OnnxModel } from '../../../numerics/onnx/graph.ts';
import { createSession } from '../../../engine/runtime/session.ts';
import { elements, type NumericTensor, type Tensor, tensorOf } from '../../../numerics/tensor/tensor.ts';

const vector = (...values: readonly number[]): NumericTensor =>
  tensorOf('float32', [values.length], Float32Array.from(values));

/** A graph over input x: float32[n] whose output `loss` is the sum of what is built. */
function lossOf(build: (b: GraphBuilder, x: string) => string): OnnxModel {
  const b = createGraphBuilder({ name: 'small' });
  const x = b.input('x', 'float32', ['n']);
  b.output(b.reduceSum(build(b, x), { keepdims: false, name: 'loss' }), { dtype: 'float32', dims: [] });
  return b.build();
}

const X = vector(1.25, -2.5, 3.75);
const request = { inputs: { x: [3] }, loss: 'loss', targets: ['x'] } as const;
type Options = Partial<Parameters<typeof gradientGraph>[0]>;

async function gradientOfX(model: OnnxModel, options: Options = {}): Promise<readonly number[]> {
  const { model: backward, gradients } = gradientGraph({ ...request, model, ...options });
  const session = await createSession(backward, { threads: 1 });
  const results = await session.run({ x: X });
  await session.release();
  return [...elements(results[gradients.get('x') as string] as Tensor, 'float32')];
}

describe('gradientGraph', () => {
  it('sums over all readers of a value', async () => {
    const model = lossOf((b, x) => b.add(b.mul(x, x), b.add(x, b.mul(x, b.scalar(3)))));
    expect(await gradientOfX(model)).toEqual([2 * 1.25 + 4, 2 * -2.5 + 4, 2 * 3.75 + 4]);
  });

  it('gives a gradient the shape of its target where it is constant', async () => {
    expect(await gradientOfX(lossOf((b, x) => b.mul(x, b.scalar(2))))).toEqual([2, 2, 2]);
    expect(await gradientOfX(lossOf((_, x) => x))).toEqual([1, 1, 1]);
  });

  it('gives the gradient of the loss with respect to itself', async () => {
    const model = lossOf((_, x) => x);
    const { model: backward, gradients } = gradientGraph({ ...request, model, targets: ['loss', 'x'] });
    const session = await createSession(backward, { threads: 1 });
    const results = await session.run({ x: X });
    expect([...elements(results[gradients.get('loss') as string] as Tensor, 'float32')]).toEqual([1]);
    await session.release();
  });

  it('gives gradients of intermediate values', async () => {
    const model = lossOf((b, x) => b.mul(b.mul(x, x, { name: 'square' }), x));
    const { model: backward, gradients } = gradientGraph({ ...request, model, targets: ['square'] });
    const session = await createSession(backward, { threads: 1 });
    const results = await session.run({ x: X });
    expect([...elements(results[gradients.get('square') as string] as Tensor, 'float32')]).toEqual([1.25, -2.5, 3.75]);
    await session.release();
  });

  it('has the loss, kept values and gradients as outputs, and inputs of concrete shape', () => {
    const model = lossOf((b, x) => b.mul(x, x, { name: 'square' }));
    const { model: backward, gradients } = gradientGraph({ ...request, model, keep: ['square'] });
    expect(backward.graph.outputs.map(({ name }) => name)).toEqual(['loss', 'square', gradients.get('x')]);
    expect(backward.graph.inputs[0]?.type).toMatchObject({ dims: [3] });
  });

  it('reads nodes in any order and without names', async () => {
    const model = lossOf((b, x) => b.exp(b.mul(x, b.scalar(0.5))));
    const nodes = model.graph.nodes.map((node) => ({ ...node, name: '' })).reverse();
    const expected = [1.25, -2.5, 3.75].map((x) => Math.fround(0.5 * Math.exp(0.5 * x)));
    const found = await gradientOfX({ ...model, graph: { ...model.graph, nodes } });
    for (const [at, value] of found.entries()) expect(value).toBeCloseTo(expected[at] as number, 5);
  });

  it('does not fold weights into constants, whatever their size', async () => {
    const model = lossOf((b, x) => b.mul(x, b.neg(b.initializer('scale', vector(2, 2, 2)))));
    const { model: backward, gradients } = gradientGraph({ ...request, model });
    const initializers = new Map(backward.graph.initializers).set('scale', vector(5, 6, 7));
    const session = await createSession({ ...backward, graph: { ...backward.graph, initializers } }, { threads: 1 });
    const results = await session.run({ x: X });
    expect([...elements(results[gradients.get('x') as string] as Tensor, 'float32')]).toEqual([-5, -6, -7]);
    await session.release();
  });

  it('ignores operators that are not between target and loss', () => {
    const model = lossOf((b, x) => b.add(x, b.node('Acos', [b.initializer('w', vector(0.1, 0.2, 0.3))])[0] as string));
    expect(() => gradientGraph({ ...request, model })).not.toThrow();
  });

  it('names operator, node and opset where there is no rule', () => {
    const model = lossOf((b, x) => b.node('Acos', [x], { name: 'turn' })[0] as string);
    expect(() => gradientGraph({ ...request, model })).toThrow(UnsupportedError);
    expect(() => gradientGraph({ ...request, model })).toThrow(/node "turn" \(Acos, opset 21\).*no gradient rule/);
  });

  it('accepts further rules', async () => {
    const model = lossOf((b, x) => b.node('Atan', [x])[0] as string);
    const atan = defineRule({
      op: 'Atan',
      since: 7,
      elementwise: true,
      backward(b, node, dy) {
        const x = node.input(0);
        return [b.div(dy, b.add(b.mul(x, x), b.scalarLike(x, 1)))];
      },
    });
    const found = await gradientOfX(model, { rules: [atan] });
    expect(found[0]).toBeCloseTo(1 / (1 + 1.25 ** 2), 6);
  });

  it.each([
    ['an unknown target', { targets: ['y'] }, /no value "y"/],
    ['a loss of several elements', { loss: 'x' }, /shape \[3\]; reduce it/],
    ['an unknown loss', { loss: 'l' }, /no value "l"/],
  ] as const)('refuses %s', (_, options, message) => {
    const model = lossOf((_, x) => x);
    expect(() => gradientGraph({ ...request, model, ...options })).toThrow(message);
    expect(() => gradientGraph({ ...request, model, ...options })).toThrow(InputError);
  });

  it('refuses integer targets, and targets that the loss does not depend on', () => {
    const model = lossOf((b, x) => {
      b.initializer('idle', vector(1));
      return b.gather(x, b.initializer('rows', tensorOf('int64', [2], BigInt64Array.of(0n, 2n))));
    });
    expect(() => gradientGraph({ ...request, model, targets: ['rows'] })).toThrow(/int64\[2\]; only floating-point/);
    expect(() => gradientGraph({ ...request, model, targets: ['x', 'idle'] })).toThrow(/does not depend on "idle"/);
  });

  it('refuses opsets before 13', () => {
    const model = lossOf((_, x) => x);
    expect(() => gradientGraph({ ...request, model: { ...model, opsets: new Map([['', 12]]) } })).toThrow(/opset 12/);
  });

  it('reports a rule that returns the wrong shape as a defect', () => {
    const model = lossOf((b, x) => b.tanh(x, { name: 'bent' }));
    const wrong = defineRule({ op: 'Tanh', since: 13, backward: (b) => [b.zeros([2], 'float32')] });
    expect(() => gradientGraph({ ...request, model, rules: [wrong] })).toThrow(/"bent".*shape \[2\], the input \[3\]/);
  });
});

describe('overrides', () => {
  const rounded = lossOf((b, x) => b.mul(b.round(x, { name: 'steps' }), x));

  it('pass gradients straight through step functions', async () => {
    const nearest = [1, -2, 4];
    expect(await gradientOfX(rounded)).toEqual(nearest);
    const expected = nearest.map((value, at) => value + ([1.25, -2.5, 3.75][at] as number));
    expect(await gradientOfX(rounded, { overrides: { steps: 'straight-through' } })).toEqual(expected);
  });

  it('may be metadata of the nodes', async () => {
    const nodes = rounded.graph.nodes.map((node) =>
      node.name === 'steps' ? { ...node, metadata: new Map([[GRADIENT_METADATA, 'straight-through']]) } : node,
    );
    expect(await gradientOfX({ ...rounded, graph: { ...rounded.graph, nodes } })).toEqual([2.25, -4.5, 7.75]);
  });

  it('stop gradients', async () => {
    const model = lossOf((b, x) => b.mul(b.identity(x, { name: 'held' }), x));
    expect(await gradientOfX(model)).toEqual([2.5, -5, 7.5]);
    expect(await gradientOfX(model, { overrides: { held: 'stop' } })).toEqual([1.25, -2.5, 3.75]);
  });

  it('replace the rule of a node', async () => {
    const scaled = defineRule({ op: 'Round', since: 11, elementwise: true, backward: (b, _, dy) => [b.scale(dy, 10)] });
    const model = lossOf((b, x) => b.round(x, { name: 'steps' }));
    expect(await gradientOfX(model, { overrides: { steps: scaled } })).toEqual([10, 10, 10]);
  });

  it('are refused for unknown names and metadata', () => {
    expect(() => gradientGraph({ ...request, model: rounded, overrides: { step: 'stop' } })).toThrow(/no node "step"/);
    const nodes = rounded.graph.nodes.map((node) => ({ ...node, metadata: new Map([[GRADIENT_METADATA, 'maybe']]) }));
    expect(() => gradientGraph({ ...request, model: { ...rounded, graph: { ...rounded.graph, nodes } } })).toThrow(
      /is "maybe", expected straight-through or stop/,
    );
  });
});

describe('dropout', () => {
  it('masks and scales gradients as the forward node did its input', async () => {
    const yes = { dtype: 'bool', dims: [], bytes: Uint8Array.of(1) } as const;
    const model = lossOf((b, x) => {
      const inputs = [x, b.scalar(0.25), b.initializer('training', yes)];
      const [dropped = ''] = b.node('Dropout', inputs, { name: 'dropped' });
      return b.mul(dropped, dropped);
    });
    const wide = tensorOf(
      'float32',
      [200],
      Float32Array.from({ length: 200 }, (_, at) => at + 1),
    );
    const { model: backward, gradients } = gradientGraph({
      ...request,
      model,
      inputs: { x: [200] },
      keep: ['dropped'],
    });
    const session = await createSession(backward, { threads: 1 });
    const results = await session.run({ x: wide });
    const kept = elements(results['dropped'] as Tensor, 'float32');
    const found = elements(results[gradients.get('x') as string] as Tensor, 'float32');
    const expected = kept.map((value) => (value === 0 ? 0 : (2 * value) / 0.75));
    expect(kept.filter((value) => value === 0).length).toBeGreaterThan(20);
    for (const [at, value] of found.entries())
      expect(value / (at + 1)).toBeCloseTo((expected[at] as number) / (at + 1), 4);
    await session.release();
  });
});

describe('gather', () => {
  it.each([4, 1000])('loses no update where indices repeat: %i rows', async (rows) => {
    const count = 20_000;
    const width = 16;
    const b = createGraphBuilder({ name: 'table' });
    const ids = b.input('ids', 'int64', [count]);
    const table = b.initializer('table', tensorOf('float32', [rows, width], new Float32Array(rows * width)));
    b.output(b.reduceSum(b.gather(table, ids), { keepdims: false, name: 'loss' }), { dtype: 'float32', dims: [] });
    const { model, gradients } = gradientGraph({ model: b.build(), inputs: {}, loss: 'loss', targets: ['table'] });
    const adding = model.graph.nodes.filter(({ op, attributes }) => op === 'ScatterND' && attributes.has('reduction'));
    expect(adding).toEqual([]);
    const session = await createSession(model, { threads: 2 });
    const feeds = {
      ids: tensorOf(
        'int64',
        [count],
        BigInt64Array.from({ length: count }, (_, at) => BigInt(at % 4)),
      ),
    };
    for (let run = 0; run < 5; run++) {
      const results = await session.run(feeds);
      const found = elements(results[gradients.get('table') as string] as Tensor, 'float32');
      expect(found.every((value, at) => value === (at < 4 * width ? count / 4 : 0))).toBe(true);
    }
    await session.release();
  });
});

describe('ties and corners', () => {
  const at = (values: readonly number[], build: (b: GraphBuilder, x: string) => string) =>
    (async () => {
      const { model: backward, gradients } = gradientGraph({
        ...request,
        model: lossOf(build),
        inputs: { x: [values.length] },
      });
      const session = await createSession(backward, { threads: 1 });
      const results = await session.run({ x: vector(...values) });
      await session.release();
      return [...elements(results[gradients.get('x') as string] as Tensor, 'float32')];
    })();

  it('share the gradient of a maximum evenly', async () => {
    expect(await at([2, 1, 2], (b, x) => b.reduceMax(x, { axes: [0] }))).toEqual([0.5, 0, 0.5]);
    expect(await at([2, -1, 3], (b, x) => b.max([x, b.scalar(2)]))).toEqual([0.5, 0, 1]);
    expect(await at([2, -1, 3], (b, x) => b.min([x, x, b.scalar(2)]))).toEqual([Math.fround(2 / 3), 1, 0]);
  });

  it('pass the gradient of a clip at its bounds', async () => {
    expect(await at([-1, -2, 0, 2, 1], (b, x) => b.clip(x, { min: b.scalar(-1), max: b.scalar(1) }))).toEqual([
      1, 0, 1, 0, 1,
    ]);
  });

  it('use 0 at the corner of relu and abs', async () => {
    expect(await at([0, -1, 1], (b, x) => b.relu(x))).toEqual([0, 0, 1]);
    expect(await at([0, -1, 1], (b, x) => b.abs(x))).toEqual([0, -1, 1]);
  });

  it('use 0 for the norm of an empty tensor', async () => {
    expect(await at([0, 0], (b, x) => b.reduceL2(x, { axes: [0] }))).toEqual([0, 0]);
  });

  it('are finite for integer powers of 0 and infinite for the square root of 0', async () => {
    expect(await at([0, 2], (b, x) => b.pow(x, b.scalar(2)))).toEqual([0, 4]);
    expect(await at([0, 2], (b, x) => b.pow(x, b.scalar(1)))).toEqual([1, 1]);
    expect(await at([0, 2], (b, x) => b.pow(x, b.scalar(0)))).toEqual([0, 0]);
    expect(await at([0, 4], (b, x) => b.sqrt(x))).toEqual([Number.POSITIVE_INFINITY, 0.25]);
    expect(await at([0, 4], (b, x) => b.pow(x, b.scalar(0.5)))).toEqual([Number.POSITIVE_INFINITY, 0.25]);
  });
});

describe('reachedBy', () => {
  it('lists the weights and inputs that the loss depends on', () => {
    const model = lossOf((b, x) => {
      b.initializer('idle', vector(1));
      return b.mul(b.add(x, b.initializer('w', vector(1, 2, 3))), b.round(b.initializer('frozen', vector(1, 2, 3))));
    });
    expect(reachedBy({ model, inputs: { x: [3] }, loss: 'loss' })).toEqual(['w', 'x']);
  });
});

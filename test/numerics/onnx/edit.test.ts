import { describe, expect, it } from 'vitest';
import { InputError } from '../../../contracts/errors.ts';
import { graph as graphOf, int } from '../../../numerics/onnx/attributes.ts';
import { createGraphBuilder, type GraphBuilder } from '../../../numerics/onnx/builder.ts';
import {
  addInitializers,
  extractSubgraph,
  findNode,
  insertNodes,
  mergeGraphs,
  nameNodes,
  redirectValue,
  removeDeadCode,
  replaceInitializer,
  replaceNode,
  withGraph,
} from '../../../numerics/onnx/edit.ts';
import type { Graph, OnnxModel } from '../../../numerics/onnx/graph.ts';
import { renameValues } from '../../../numerics/onnx/names.ts';
import { createNode } from '../../../numerics/onnx/node.ts';
import { createSession } from '../../../engine/runtime/session.ts';
import { elements, type Tensor, tensorOf } from '../../../numerics/tensor/tensor.ts';

const vector = (...values: number[]): Tensor => tensorOf('float32', [values.length], Float32Array.from(values));
const scalarBool = (value: boolean): Tensor => ({ dtype: 'bool', dims: [], bytes: Uint8Array.of(value ? 1 : 0) });

/** y = tanh(x * w) + b, x and y float32 [2]. */
function chain(w = vector(1, 2), bias = vector(10, 20)): OnnxModel {
  const b = createGraphBuilder({ name: 'chain' });
  const x = b.input('x', 'float32', [2]);
  const scaled = b.mul(x, b.initializer('w', w), { name: 'scale', output: 'scaled' });
  const bent = b.tanh(scaled, { name: 'bend', output: 'bent' });
  b.output(b.add(bent, b.initializer('b', bias), { name: 'shift', output: 'y' }), { dtype: 'float32', dims: [2] });
  return b.build();
}

/** A graph without inputs whose one output is made by `body`; it may read the values around it. */
function branch(name: string, body: (b: GraphBuilder) => string, captured: readonly string[]): Graph {
  const b = createGraphBuilder({ name });
  for (const value of captured) b.input(value, 'float32', [2]);
  b.output(body(b), { dtype: 'float32', dims: [2] });
  return { ...b.build().graph, inputs: [] };
}

/** y = condition ? (x * w) + 1 : (x * w) * k; the branches capture `scaled` and `k`. */
function branching(k = vector(3, 4)): OnnxModel {
  const b = createGraphBuilder({ name: 'branching' });
  const x = b.input('x', 'float32', [2]);
  const condition = b.input('condition', 'bool', []);
  const scaled = b.mul(x, b.initializer('w', vector(1, 2)), { name: 'scale', output: 'scaled' });
  const factor = b.initializer('k', k);
  const then = branch('then', (inner) => inner.add(scaled, inner.initializer('one', vector(1, 1)), { name: 'local' }), [
    scaled,
  ]);
  const otherwise = branch('else', (inner) => inner.mul(scaled, factor, { name: 'local' }), [scaled, factor]);
  b.node('If', [condition], {
    name: 'choose',
    outputs: ['y'],
    attributes: { then_branch: graphOf(then), else_branch: graphOf(otherwise) },
  });
  b.output('y', { dtype: 'float32', dims: [2] });
  return b.build();
}

async function run(model: OnnxModel, feeds: Record<string, Tensor>): Promise<Record<string, number[]>> {
  const session = await createSession(model, { threads: 1 });
  const outputs = await session.run(feeds);
  await session.release();
  return Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, [...elements(tensor, 'float32')]]));
}
const x = vector(0.5, -0.25);
const renaming = (names: Readonly<Record<string, string>>) => (name: string) => names[name] ?? name;
const edited = (model: OnnxModel, change: (graph: Graph) => Graph): OnnxModel => withGraph(model, change(model.graph));

describe('edits', () => {
  it('leave the given graph unchanged, and share unchanged parts', () => {
    const { graph } = chain();
    const frozen = structuredClone({ ...graph });
    const next = replaceInitializer(graph, 'w', vector(5, 6));
    expect(graph).toEqual(frozen);
    expect(next.nodes).toBe(graph.nodes);
    expect(next.initializers.get('b')).toBe(graph.initializers.get('b'));
    const renamed = renameValues(graph, renaming({ bent: 'curved' }));
    expect(renamed.nodes[0]).toBe(graph.nodes[0]);
    expect(renamed.initializers).toBe(graph.initializers);
  });

  it('keep what onnxruntime computes', async () => {
    const before = await run(chain(), { x });
    expect(await run(chain(vector(3, 4)), { x })).toEqual(
      await run(
        edited(chain(), (graph) => replaceInitializer(graph, 'w', vector(3, 4))),
        { x },
      ),
    );
    const doubled = edited(chain(), (graph) =>
      insertNodes(
        replaceNode(
          graph,
          'shift',
          [createNode({ op: 'Add', name: 'shift', inputs: ['bent', 'b'], outputs: ['single'] })].concat(
            createNode({ op: 'Add', name: 'double', inputs: ['single', 'single'], outputs: ['y'] }),
          ),
        ),
        [createNode({ op: 'Identity', name: 'noop', inputs: ['x'], outputs: ['x.copy'] })],
        { before: 'scale' },
      ),
    );
    expect(doubled.graph.nodes.map((node) => node.name)).toEqual(['noop', 'scale', 'bend', 'shift', 'double']);
    expect((await run(doubled, { x })).y).toEqual(before.y?.map((value) => 2 * value));

    expect(
      await run(
        edited(chain(), (graph) => renameValues(graph, renaming({ y: 'z' }))),
        { x },
      ),
    ).toEqual({ z: before.y });
  });

  it('reach into subgraphs', async () => {
    const feeds = { x, condition: scalarBool(false) };
    const before = await run(branching(), feeds);
    const renamed = edited(branching(), (graph) => renameValues(graph, renaming({ scaled: 's2', k: 'k2' })));
    expect([...renamed.graph.initializers.keys()]).toEqual(['w', 'k2']);
    expect(await run(renamed, feeds)).toEqual(before);
    const redirected = edited(branching(), (graph) => removeDeadCode(redirectValue(graph, 'k', 'w')));
    expect([...redirected.graph.initializers.keys()]).toEqual(['w']);
    expect((await run(redirected, feeds)).y).toEqual([0.5, -1]);
  });

  it.each<[string, (graph: Graph) => unknown, RegExp]>([
    [
      'an initializer that is not there',
      (g) => replaceInitializer(g, 'v', x),
      /no initializer "v"; initializers: w, b/,
    ],
    ['a name that is taken', (g) => addInitializers(g, { bent: x }), /"bent", the name is taken/],
    ['a node that is not there', (g) => findNode(g, 'none'), /no node "none"; nodes: scale, bend, shift/],
    [
      'a replacement that loses a value',
      (g) => replaceNode(g, 'bend', []),
      /"bent" would be made by no node any more but is read by node "shift"/,
    ],
    [
      'a removal that loses an output',
      (g) => replaceNode(g, 'shift', []),
      /"y" would be made by no node any more but is an output/,
    ],
    [
      'a value made twice',
      (g) =>
        insertNodes(g, [createNode({ op: 'Neg', name: 'n', inputs: ['x'], outputs: ['bent'] })], { after: 'bend' }),
      /makes "bent", which exists already/,
    ],
    [
      'a node name that is taken',
      (g) =>
        insertNodes(g, [createNode({ op: 'Neg', name: 'bend', inputs: ['x'], outputs: ['n'] })], { after: 'bend' }),
      /already has a node "bend"/,
    ],
    [
      'a part that needs more inputs',
      (g) => extractSubgraph(g, { inputs: ['b'], outputs: ['y'] }),
      /depends on x; add it to inputs/,
    ],
    [
      'another opset',
      (g) => withGraph(chain(), g, { opsets: { '': 20 } }),
      /imports operator set "" 21, cannot import 20/,
    ],
  ])('refuse %s', (_, edit, message) => {
    expect(() => edit(chain().graph)).toThrow(InputError);
    expect(() => edit(chain().graph)).toThrow(message);
  });

  it('give nodes unique names', () => {
    const { graph } = chain();
    const nameless = {
      ...graph,
      nodes: graph.nodes.map((node) => ({ ...node, name: node.op === 'Add' ? 'Mul_0' : '' })),
    };
    expect(nameNodes(nameless).nodes.map((node) => node.name)).toEqual(['Mul_1', 'Tanh_0', 'Mul_0']);
    expect(nameNodes(graph)).toBe(graph);
  });
});

describe('removeDeadCode', () => {
  it('drops nodes, initializers and types that nothing reads', () => {
    const { graph } = chain();
    const spare = addInitializers(graph, { spare: x, used: x });
    const grown = insertNodes(
      {
        ...spare,
        valueInfo: [
          { name: 'dead', type: undefined },
          { name: 'bent', type: undefined },
        ],
      },
      [
        createNode({ op: 'Neg', name: 'a', inputs: ['used'], outputs: ['half-dead'] }),
        createNode({ op: 'Neg', name: 'b', inputs: ['half-dead'], outputs: ['dead'] }),
      ],
      { after: 'bend' },
    );
    const cleaned = removeDeadCode(grown);
    expect(cleaned.nodes).toEqual(graph.nodes);
    expect([...cleaned.initializers.keys()]).toEqual(['w', 'b']);
    expect(cleaned.valueInfo.map((info) => info.name)).toEqual(['bent']);
  });

  it('keeps what only subgraphs read, and cleans inside them', () => {
    const model = branching();
    const node = findNode(model.graph, 'choose');
    const then = node.attributes.get('then_branch');
    if (then?.type !== 'graph') throw new Error('no branch');
    const dirty = {
      ...then.value,
      nodes: [...then.value.nodes, createNode({ op: 'Neg', name: 'dead', inputs: ['unused'], outputs: ['nothing'] })],
    };
    const graph = addInitializers(
      replaceNode(model.graph, 'choose', [
        { ...node, attributes: new Map(node.attributes).set('then_branch', graphOf(dirty)) },
      ]),
      { unused: x },
    );
    expect(removeDeadCode(graph)).toEqual(model.graph);
  });

  it('keeps the inputs, which are the interface', () => {
    const { graph } = chain();
    const extra = { ...graph, inputs: [...graph.inputs, { name: 'extra', type: undefined }] };
    expect(removeDeadCode(extra).inputs.map((info) => info.name)).toEqual(['x', 'extra']);
  });
});

describe('extractSubgraph', () => {
  it('extracts the part between values', async () => {
    const model = edited(chain(), (graph) =>
      extractSubgraph(graph, {
        inputs: [{ name: 'scaled', type: { kind: 'tensor', dtype: 'float32', dims: [2] } }],
        outputs: [{ name: 'bent', type: { kind: 'tensor', dtype: 'float32', dims: [2] } }],
      }),
    );
    expect(model.graph.initializers.size).toBe(0);
    expect((await run(model, { scaled: vector(0, 100) })).bent).toEqual([0, 1]);
  });

  it('cuts at one output of a node that has several', async () => {
    const b = createGraphBuilder({ name: 'parts' });
    const [left, right] = b.split(b.input('x', 'float32', [2]), { axis: 0, outputs: ['left', 'right'] }) as [
      string,
      string,
    ];
    b.output(b.add(left, right, { name: 'y' }), { dtype: 'float32', dims: [1] });
    const model = edited(b.build(), (graph) =>
      extractSubgraph(graph, {
        inputs: ['x', { name: 'left', type: { kind: 'tensor', dtype: 'float32', dims: [1] } }],
        outputs: ['y'],
      }),
    );
    expect((await run(model, { x: vector(1, 2), left: vector(40) })).y).toEqual([42]);
  });
});

describe('mergeGraphs', () => {
  const merge = (a: OnnxModel, b: OnnxModel, sharedInputs: readonly string[]): OnnxModel =>
    withGraph(a, mergeGraphs(a.graph, b.graph, { prefix: 'candidate/', sharedInputs }));

  it('computes both of two graphs with identical names', async () => {
    const merged = merge(chain(), chain(vector(-1, 7), vector(0, 0)), ['x']);
    expect(merged.graph.inputs.map((info) => info.name)).toEqual(['x']);
    expect(await run(merged, { x })).toEqual({
      ...(await run(chain(), { x })),
      'candidate/y': (await run(chain(vector(-1, 7), vector(0, 0)), { x })).y,
    });
  });

  it.each([true, false])('separates what subgraphs capture and define (condition %s)', async (value) => {
    const feeds = { x, condition: scalarBool(value) };
    const other = branching(vector(-7, 9));
    const merged = merge(branching(), other, ['x', 'condition']);
    expect(await run(merged, feeds)).toEqual({
      ...(await run(branching(), feeds)),
      'candidate/y': (await run(other, feeds)).y,
    });
  });

  it('can be repeated with the result', async () => {
    const twice = withGraph(
      chain(),
      mergeGraphs(merge(chain(), chain(vector(2, 2)), ['x']).graph, chain(vector(3, 3)).graph, {
        prefix: 'third/',
        sharedInputs: ['x'],
      }),
    );
    expect(Object.keys(await run(twice, { x }))).toEqual(['y', 'candidate/y', 'third/y']);
    expect(() => merge(merge(chain(), chain(), ['x']), chain(), ['x'])).toThrow(
      /both have a value "candidate\/.*choose another prefix/,
    );
  });

  it('keeps separate inputs that are not shared, and connects inputs to values', async () => {
    const merged = merge(chain(), chain(), []);
    expect(merged.graph.inputs.map((info) => info.name)).toEqual(['x', 'candidate/x']);
    const connected = withGraph(
      chain(),
      mergeGraphs(chain().graph, chain().graph, { prefix: 'next/', sharedInputs: [], connect: { x: 'y' } }),
    );
    const { y } = await run(chain(), { x });
    const after = await run(chain(), { x: vector(...(y as number[])) });
    expect((await run(connected, { x }))['next/y']).toEqual(after.y);
  });

  it('refuses an input that one of the graphs does not have', () => {
    expect(() => merge(chain(), chain(), ['z'])).toThrow(/graph "chain" has no input "z" to share/);
    expect(() => merge(branching(), chain(), ['condition'])).toThrow(
      /has no input "condition" to share or connect; inputs: x/,
    );
  });
});

describe('createGraphBuilder', () => {
  it('names nodes and values by scope, and shares constants', () => {
    const b = createGraphBuilder({ name: 'scoped' });
    const input = b.input('x', 'float32', ['n', 4]);
    const layer = b.scope('layers').scope('0');
    const value = layer.add(layer.mul(input, layer.scalar(2)), layer.scalar(2), { name: 'sum' });
    const flat = layer.reshape(layer.reshape(value, [-1]), [-1], { output: 'flat' });
    b.output(flat, { name: 'y', dtype: 'float32', dims: [undefined] });
    const { graph, opsets, irVersion, producerName } = b.build();
    expect(graph.nodes.map((node) => node.name)).toEqual([
      'layers.0.Mul_0',
      'layers.0.sum',
      'layers.0.Reshape_0',
      'layers.0.Reshape_1',
      'y.identity',
    ]);
    expect(graph.initializers.size).toBe(2);
    expect(flat).toBe('layers.0.flat');
    expect({ opsets: [...opsets], irVersion, producerName }).toEqual({
      opsets: [['', 21]],
      irVersion: 10,
      producerName: 'shrinkrank',
    });
  });

  it('imports com.microsoft when a node needs it', () => {
    const b = createGraphBuilder({ name: 'fused' });
    const [y] = b.node('Gelu', [b.input('x', 'float32', [2])], { domain: 'com.microsoft', outputs: ['y'] });
    b.output(y as string, { dtype: 'float32', dims: [2] });
    expect([...b.build().opsets]).toEqual([
      ['', 21],
      ['com.microsoft', 1],
    ]);
  });

  it('refuses an invalid graph at the faulty line', () => {
    const b = createGraphBuilder({ name: 'bad' });
    const input = b.input('x', 'float32', [2]);
    expect(() => b.input('x', 'float32', [2])).toThrow(/value "x" is defined already/);
    expect(() => b.add(input, 'nothing')).toThrow(/reads "nothing", which nothing defines/);
    expect(() => b.output('nothing', { dtype: 'float32', dims: [] })).toThrow(/output "nothing" is defined by nothing/);
    expect(() => b.build()).toThrow(/has no output/);
    expect(() => createGraphBuilder({ name: 'old', opset: 13 })).toThrow(/opset 18 or later, got 13/);
    expect(() => int(2 ** 60)).toThrow(/pass a bigint/);
    b.neg(input, { name: 'n' });
    expect(() => b.neg(input, { name: 'n' })).toThrow(/a node "n" exists already/);
    b.node('Foo', [input], { domain: 'org.test', outputs: ['foo'] });
    b.output('foo', { dtype: 'float32', dims: [2] });
    expect(() => b.build()).toThrow(/uses domain "org.test"; give its version in opsets/);
  });
});

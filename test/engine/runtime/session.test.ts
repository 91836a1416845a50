import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { InputError, UnsupportedError } from '../../../contracts/errors.ts';
import { int } from '../../../numerics/onnx/attributes.ts';
import type { OnnxModel } from '../../../numerics/onnx/graph.ts';
import { createNode, type NodeOptions } from '../../../numerics/onnx/node.ts';
import { writeModel } from '../../../numerics/onnx/write.ts';
import { exampleFeeds } from '../../../engine/runtime/token-feeds.ts';
import { placementOf, readPlacement } from '../../../engine/runtime/placement.ts';
import { createSession } from '../../../engine/runtime/session.ts';
import type { DType } from '../../../numerics/tensor/dtype.ts';
import { elements, rawTensor, tensorOf } from '../../../numerics/tensor/tensor.ts';
import { tinyLlama } from '../../support/tiny-model.ts';

const folder = mkdtempSync(join(tmpdir(), 'session-'));
afterAll(() => rmSync(folder, { recursive: true }));

function oneNode(node: Omit<NodeOptions, 'name' | 'outputs'>, dtypes: readonly DType[], result: DType): OnnxModel {
  const info = (name: string, dtype: DType) => ({ name, type: { kind: 'tensor', dtype, dims: ['n'] } }) as const;
  return {
    irVersion: 10,
    opsets: new Map([['', 21]]),
    producerName: '',
    producerVersion: '',
    domain: '',
    modelVersion: 0n,
    graph: {
      name: 'one-node',
      nodes: [createNode({ ...node, name: 'node', outputs: ['y'] })],
      inputs: node.inputs.map((name, i) => info(name, dtypes[i]!)),
      outputs: [info('y', result)],
      initializers: new Map(),
      sparseInitializers: [],
      valueInfo: [],
    },
    functions: [],
  };
}

const add = oneNode({ op: 'Add', inputs: ['a', 'b'] }, ['float32', 'float32'], 'float32');
const a = tensorOf('float32', [3], Float32Array.of(1, 2, 3));
const b = tensorOf('float32', [3], Float32Array.of(10, 20, 30));

describe('createSession', () => {
  it('runs a graph or its bytes, and returns its interface', async () => {
    for (const model of [add, writeModel(add)]) {
      const session = await createSession(model, { threads: 1 });
      expect(session.inputs).toEqual([
        { name: 'a', dtype: 'float32', dims: ['n'] },
        { name: 'b', dtype: 'float32', dims: ['n'] },
      ]);
      const { y } = await session.run({ a, b });
      expect([...elements(y!, 'float32')]).toEqual([11, 22, 33]);
      await session.release();
    }
  });

  it('writes into the caller’s memory and accepts tensors that are not aligned', async () => {
    const session = await createSession(add, { threads: 1 });
    const memory = new Float32Array(3);
    const shifted = new Uint8Array(13);
    shifted.set(a.bytes, 1);
    const y = tensorOf('float32', [3], memory);
    const result = await session.run({ a: rawTensor('float32', [3], shifted.subarray(1)), b }, { into: { y } });
    expect([...memory]).toEqual([11, 22, 33]);
    expect(result.y).toBe(y);
    await session.release();
  });

  it.each(['float16', 'bool', 'int8', 'uint16', 'int64', 'float64'] as const)(
    'converts %s in both directions',
    async (dtype) => {
      const session = await createSession(oneNode({ op: 'Identity', inputs: ['a'] }, [dtype], dtype), { threads: 1 });
      const size = { float16: 2, bool: 1, int8: 1, uint16: 2, int64: 8, float64: 8 }[dtype];
      const bytes = Uint8Array.from({ length: 2 * size }, (_, i) => (dtype === 'bool' ? i % 2 : i + 1));
      const { y } = await session.run({ a: rawTensor(dtype, [2], bytes) });
      expect(y!.dtype).toBe(dtype);
      expect([...y!.bytes]).toEqual([...bytes]);
      await session.release();
    },
  );

  it('throws UnsupportedError for what this build cannot run, and InputError for an invalid graph', async () => {
    const cases: readonly [OnnxModel | Uint8Array | string, new (message: string) => Error, string][] = [
      [
        oneNode({ op: 'Nonesuch', inputs: ['a'] }, ['float32'], 'float32'),
        UnsupportedError,
        'No Op registered for Nonesuch',
      ],
      [
        oneNode({ op: 'MatMul', inputs: ['a', 'b'] }, ['bfloat16', 'bfloat16'], 'bfloat16'),
        UnsupportedError,
        'Could not find an implementation for MatMul',
      ],
      [
        oneNode({ op: 'Add', inputs: ['a', 'b'] }, ['float32', 'float64'], 'float32'),
        InputError,
        'bound to different types',
      ],
      [Uint8Array.of(1, 2, 3), InputError, 'protobuf parsing failed'],
      [join(folder, 'absent.onnx'), InputError, 'absent.onnx'],
    ];
    for (const [model, kind, text] of cases) {
      const failure = await createSession(model, { threads: 1 }).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(kind);
      expect(String(failure)).toContain(text);
    }
    await expect(createSession(add, { threads: 0 })).rejects.toThrow('threads must be a whole number from 1');
  });

  it('names inputs and outputs that do not match', async () => {
    const session = await createSession(add, { threads: 1 });
    await expect(session.run({ a, c: b })).rejects.toThrow('missing inputs [b], unknown inputs [c]');
    await expect(session.run({ a, b }, { outputs: ['z'] })).rejects.toThrow(
      'unknown outputs [z]; expected inputs [a, b] and outputs [y]',
    );
    const short = tensorOf('float32', [2], Float32Array.of(1, 2));
    await expect(session.run({ a, b: short })).rejects.toBeInstanceOf(InputError);
    await expect(session.run({ a, b: { dtype: 'string', dims: [1], strings: [] } })).rejects.toBeInstanceOf(
      UnsupportedError,
    );
    expect(() => session.endProfiling()).toThrow('create it with profilePrefix');
    await session.release();
  });

  it('applies pinned options: a dequantized weight is multiplied in int8', async () => {
    const model = oneNode({ op: 'MatMul', inputs: ['x', 'w'] }, ['float32', 'float32'], 'float32');
    const dims = { x: [1, 32], y: [1, 16] };
    const info = (name: 'x' | 'y') => ({ name, type: { kind: 'tensor', dtype: 'float32', dims: dims[name] } }) as const;
    const dequantize = createNode({
      op: 'DequantizeLinear',
      name: 'dequantize',
      inputs: ['codes', 'scale'],
      outputs: ['w'],
      attributes: { axis: int(0), block_size: int(32) },
    });
    const fused: OnnxModel = {
      ...model,
      graph: {
        ...model.graph,
        nodes: [dequantize, ...model.graph.nodes],
        inputs: [info('x')],
        outputs: [info('y')],
        initializers: new Map([
          ['codes', rawTensor('int4', [32, 16], new Uint8Array(256).fill(0x11))],
          ['scale', tensorOf('float32', [1, 16], new Float32Array(16).fill(1))],
        ]),
      },
    };
    const session = await createSession(fused, { threads: 1, profilePrefix: join(folder, 'fused') });
    await session.run({ x: tensorOf('float32', [1, 32], new Float32Array(32).fill(1)) });
    const placement = await readPlacement(session.endProfiling());
    await session.release();
    expect(placement.operators).toEqual({ MatMulNBits: 1 });
  });
});

describe('readPlacement', () => {
  it('counts each node of the optimised graph once, by provider and operator', async () => {
    const model = tinyLlama();
    const session = await createSession(model.onnx, { threads: 1, profilePrefix: join(folder, 'tiny') });
    const feeds = exampleFeeds(model.onnx.graph.inputs, { tokens: Int32Array.of(1, 2, 3) });
    await session.run(feeds);
    await session.run(feeds);
    const placement = await readPlacement(session.endProfiling());
    await session.release();
    const nodes = Object.values(placement.operators).reduce((sum, count) => sum + count, 0);
    expect(placement.nodes).toEqual({ CPUExecutionProvider: nodes });
    expect(placement.timeShare).toEqual({ CPUExecutionProvider: 1 });
    // 14 linear layers, 2 products each in attention, the output layer.
    expect(placement.operators.MatMul! + (placement.operators.FusedMatMul ?? 0)).toBe(14 + 4 + 1);
  });

  it('splits time between providers', () => {
    const event = (name: string, dur: number, provider: string) => ({
      cat: 'Node',
      name,
      dur,
      args: { provider, op_name: 'Add', node_index: name },
    });
    const trace = [
      { cat: 'Session', name: 'model_run', dur: 9 },
      event('0', 1, 'A'),
      event('1', 3, 'B'),
      event('1', 4, 'B'),
    ];
    expect(placementOf(JSON.stringify(trace))).toEqual({
      nodes: { A: 1, B: 1 },
      timeShare: { A: 1 / 8, B: 7 / 8 },
      operators: { Add: 2 },
    });
  });

  it('refuses a profile without nodes', () => {
    expect(() => placementOf('[]')).toThrow('no node was executed');
    expect(() => placementOf('[{')).toThrow('endProfiling');
  });
});

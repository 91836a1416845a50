import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { LinearRole } from '../../../engine/definitions/model.ts';
import type { Size } from '../../../contracts/result.ts';
import { checkArtifact } from '../../../harness/judge/contract-check.ts';
import { measureSize } from '../../../harness/measure/size.ts';
import type { Graph, OnnxModel } from '../../../numerics/onnx/graph.ts';
import { writeModelFile } from '../../../numerics/onnx/file.ts';
import { createNode } from '../../../numerics/onnx/node.ts';
import { writeModel } from '../../../numerics/onnx/write.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';
import { elements, tensorOf } from '../../../numerics/tensor/tensor.ts';
import { tinyBert, tinyLlama } from '../../support/tiny-model.ts';

const dense = tinyLlama();
const denseBytes = writeModel(dense.onnx);
let denseSize: Size;
beforeAll(async () => {
  denseSize = await measureSize(denseBytes, { tiedEmbedding: true });
});

const check = (artifactBytes: Uint8Array, control = false) =>
  checkArtifact({ dense, artifactBytes, denseSize, control });
const reasonOf = async (bytes: Uint8Array, control = false): Promise<string> => {
  const result = await check(bytes, control);
  return result.status === 'invalid' ? result.reason : result.status;
};
const edited = (edit: (graph: Graph) => Partial<Graph>): OnnxModel => ({
  ...dense.onnx,
  graph: { ...dense.onnx.graph, ...edit(dense.onnx.graph) },
});

/** Dense with every linear weight passed through `change`. */
function reweighted(change: (w: number, i: number) => number): Uint8Array {
  return writeModel(
    dense.linears.reduce((model, linear) => {
      const weight = dense.weight(linear).map(change);
      return model.withWeight(linear, tensorOf('float32', [linear.inFeatures, linear.outFeatures], weight));
    }, dense).onnx,
  );
}

describe('checkArtifact', () => {
  it('accepts a pruned model and states its hash, size and operators', async () => {
    const result = await check(reweighted((w, i) => (i % 2 ? w : 0)));
    expect(result.status).toBe('valid');
    if (result.status !== 'valid') return;
    expect(result.artifact.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(result.artifact.size.nonZeroParameters).toBeLessThan(denseSize.nonZeroParameters);
    expect(result.artifact.operators['MatMul']).toBeGreaterThan(10);
    expect(result.model.graph.outputs[0]?.name).toBe('logits');
  });

  it('requires logits of [batch, classes] from an encoder', async () => {
    const encoder = tinyBert();
    const size = await measureSize(writeModel(encoder.onnx), { tiedEmbedding: false });
    const verdict = (onnx: OnnxModel, of = encoder) =>
      checkArtifact({ dense: of, artifactBytes: writeModel(onnx), denseSize: size, control: true });
    expect((await verdict(encoder.onnx)).status).toBe('valid');
    const four = tinyBert({ classes: 4 }).onnx;
    expect(await verdict(four)).toMatchObject({
      status: 'invalid',
      reason: 'for input_ids [1, 1] the artifact gives float32[1, 4], expected float32[1, 3]',
    });
    const classifier = encoder.roles.head as LinearRole;
    const broken = encoder.withWeight(classifier, tensorOf('float32', [32, 3], new Float32Array(96).fill(Number.NaN)));
    expect(await verdict(broken.onnx)).toMatchObject({
      reason: expect.stringMatching(/gives NaN as logit 0 at row 0$/),
    });
    const maskless = { ...four, graph: { ...four.graph, inputs: four.graph.inputs.slice(0, 1) } };
    expect(await verdict(maskless)).toMatchObject({
      reason: expect.stringMatching(/changes the model's inputs: expected attention_mask/),
    });
  });

  it('accepts dense itself only as a control', async () => {
    expect(await reasonOf(denseBytes, true)).toBe('valid');
    expect(await reasonOf(denseBytes)).toMatch(
      /not at least 0\.1 % smaller than dense, as a file or as shipped: fileBytes \d+ \(dense \d+\)/,
    );
  });

  it('refuses bytes that are not an ONNX model, and truncated ones, wherever they are cut', async () => {
    const random = createRandom('garbage');
    const garbage = Uint8Array.from({ length: 5000 }, () => random.integer(256));
    for (const bytes of [garbage, new Uint8Array(0), new TextEncoder().encode('{"not":"onnx"}')]) {
      expect(await reasonOf(bytes)).toMatch(/not a readable ONNX model|inputs: expected/);
    }
    for (let cut = 1; cut < 12; cut++) {
      const bytes = denseBytes.slice(0, Math.floor((denseBytes.length * cut) / 12));
      expect((await check(bytes)).status).toBe('invalid');
    }
  });

  it('refuses logits that are not finite and says where', async () => {
    expect(await reasonOf(reweighted((w, i) => (i === 5 ? NaN : w)))).toMatch(/gives NaN as logit 0 at row 0, token 0/);
    expect(await reasonOf(reweighted((w) => w * 1e30))).toMatch(/gives -?(NaN|Infinity) as logit/);
  });

  it('refuses another interface: names, element type, rank, number of outputs', async () => {
    const renamed = edited((graph) => ({
      nodes: [...graph.nodes, createNode({ op: 'Identity', name: 'copy', inputs: ['logits'], outputs: ['scores'] })],
      outputs: [{ name: 'scores', type: { kind: 'tensor', dtype: 'float32', dims: ['b', 's', 64] } }],
    }));
    expect(await reasonOf(writeModel(renamed))).toBe(
      "the artifact changes the model's outputs: expected logits: float32 of rank 3; got scores: float32 of rank 3",
    );
    const inputs = (dtype: 'int32' | 'int64', dims: readonly string[]) =>
      edited(() => ({ inputs: [{ name: 'input_ids', type: { kind: 'tensor', dtype, dims } }] }));
    expect(await reasonOf(writeModel(inputs('int32', ['b', 's'])))).toMatch(/got input_ids: int32 of rank 2/);
    expect(await reasonOf(writeModel(inputs('int64', ['b'])))).toMatch(/got input_ids: int64 of rank 1/);
    const more = edited((graph) => ({
      outputs: [...graph.outputs, { name: 'embedding', type: { kind: 'tensor', dtype: 'float32', dims: [1, 1, 1] } }],
    }));
    expect(await reasonOf(writeModel(more))).toMatch(/got embedding: float32 of rank 3, logits/);
  });

  it('refuses logits of another shape than declared', async () => {
    const table = dense.onnx.graph.initializers.get('embedding.weight');
    if (table?.dtype !== 'float32') throw new Error('no embedding');
    const fewer = tensorOf('float32', [60, 32], elements(table, 'float32').slice(0, 60 * 32));
    const cut = edited((graph) => ({ initializers: new Map(graph.initializers).set('embedding.weight', fewer) }));
    expect(await reasonOf(writeModel(cut))).toMatch(/float32\[1, 1, 60\], expected float32\[1, 1, 64\]|onnxruntime/);
  });

  it('refuses what onnxruntime cannot load', async () => {
    const unknown = edited((graph) => ({
      nodes: graph.nodes.map((node) => (node.op === 'Sigmoid' ? { ...node, op: 'NoSuchOperator' } : node)),
    }));
    expect(await reasonOf(writeModel(unknown), true)).toMatch(/onnxruntime cannot load .*NoSuchOperator/);
  });

  it('refuses data outside the file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'shrinkrank-test-'));
    try {
      const path = join(folder, 'model.onnx');
      writeModelFile(dense.onnx, path, { externalFromBytes: 1024 });
      expect(await reasonOf(readFileSync(path))).toMatch(/not a readable ONNX model: .* lies in "/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('refuses a file more than four times as large', async () => {
    const padding = tensorOf('float32', [denseBytes.length], new Float32Array(denseBytes.length));
    const grown = edited((graph) => ({ initializers: new Map(graph.initializers).set('padding', padding) }));
    expect(await reasonOf(writeModel(grown), true)).toMatch(/more than 4 times dense/);
  });
});

import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import { readModel } from '../../../numerics/onnx/read.ts';
import { writeModel } from '../../../numerics/onnx/write.ts';
import { DTYPES } from '../../../numerics/tensor/dtype.ts';
import { sameMessage } from './message-difference.ts';
import { loadNodeCases } from './node-cases.ts';

const golden = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(new URL(`../../golden/onnx/${name}`, import.meta.url)));

describe('readModel and writeModel', () => {
  it('preserve all of the ONNX project’s node test cases', () => {
    const cases = loadNodeCases();
    expect(cases.length).toBe(1884);
    const lossy: string[] = [];
    for (const { name, model } of cases) {
      const read = readModel(model, { where: name });
      const written = writeModel(read);
      if (!isDeepStrictEqual(readModel(written), read) || !sameMessage(model, written)) lossy.push(name);
    }
    expect(lossy).toEqual([]);
  });

  it('write equal models as equal bytes', () => {
    const bytes = writeModel(readModel(golden('everything.onnx')));
    expect(Buffer.compare(bytes, writeModel(readModel(bytes)))).toBe(0);
  });

  it('preserve one of everything a file can contain, including unknown fields', () => {
    const bytes = golden('everything.onnx');
    const model = readModel(bytes);
    const written = writeModel(model);
    expect(readModel(written)).toEqual(model);
    expect(sameMessage(bytes, written)).toBe(true);

    expect(model).toMatchObject({
      irVersion: 11,
      producerName: 'maker',
      modelVersion: 7n,
      domain: 'org.test',
      doc: 'a model',
    });
    expect(Object.fromEntries(model.opsets)).toEqual({ '': 21, local: 1 });
    // training_info, the device configuration, and the metadata entry that has fields of its own.
    expect(model.unknown?.map((field) => field.number)).toEqual([900, 901, 902, 903, 20, 26, 14]);
    expect(model.metadata?.get('author')).toBe('nobody');
    const { graph } = model;
    expect(graph.sparseInitializers[0]).toMatchObject({
      name: 's',
      dims: [4, 4],
      indices: { dtype: 'int64', name: 's.indices' },
    });
    expect(graph.quantizationAnnotations?.[0]?.parameters.get('SCALE_TENSOR')).toBe('w');
    expect(graph.initializers.get('w')).toMatchObject({ doc: 'weight' });
    expect(graph.inputs[0]?.type).toMatchObject({
      dims: ['batch', 4],
      denotation: 'TENSOR',
      denotations: ['DATA_BATCH', ''],
    });
    expect(graph.outputs[0]?.type).toMatchObject({ dims: ['batch', undefined] });
    expect(graph.valueInfo.map((info) => info.type?.kind)).toEqual([
      'tensor',
      'sequence',
      'optional',
      'map',
      'sparse-tensor',
      'opaque',
      undefined,
    ]);
    const matmul = graph.nodes.find((node) => node.name === 'mm');
    expect(matmul?.unknown?.map((field) => field.number)).toEqual([900, 901, 902, 903, 10]);
    expect(graph.nodes[2]?.attributes.get('then_branch')).toMatchObject({ type: 'graph', value: { name: 'then' } });
    const [definition] = model.functions;
    expect(definition).toMatchObject({
      domain: 'local',
      name: 'Scaled',
      attributeNames: ['factor'],
      doc: 'a function',
    });
    expect(definition?.nodes[0]?.attributes.get('value_float')).toEqual({
      type: 'reference',
      value: 'factor',
      of: 'float',
    });
  });

  it('notice when a field is lost', () => {
    const bytes = golden('everything.onnx');
    const { unknown: _, ...graph } = readModel(bytes).graph;
    expect(sameMessage(bytes, writeModel({ ...readModel(bytes), graph }))).toBe(false);
  });
});

describe('tensors', () => {
  const bytes = golden('tensors.onnx');
  const { initializers } = readModel(bytes).graph;

  it('of every element type are the same from the typed field and from raw_data', () => {
    const names = new Map(Object.entries({ float32: 'float', float64: 'double' }));
    const checked = (Object.keys(DTYPES) as (keyof typeof DTYPES)[]).filter((dtype) => dtype !== 'string');
    expect(checked.length).toBe(27);
    for (const dtype of checked) {
      const name = names.get(dtype) ?? dtype;
      const typed = initializers.get(`${name}.typed`);
      const raw = initializers.get(`${name}.raw`);
      expect(typed, name).toMatchObject({ dtype, dims: [3, 5] });
      expect(typed, name).toEqual(raw);
    }
  });

  it('of strings keep bytes that are not UTF-8', () => {
    const tensor = initializers.get('string.typed');
    expect(tensor?.dtype === 'string' && tensor.strings.map((text) => [...text])).toEqual([
      [0x61],
      [0xc3, 0xa4, 0xe2, 0x82, 0xac],
      [],
      [0xff, 0x00],
    ]);
  });

  it('share the memory of the file', () => {
    const raw = initializers.get('float.raw');
    expect(raw?.dtype !== 'string' && raw?.bytes.buffer === bytes.buffer).toBe(true);
  });

  it('survive a round trip', () => {
    expect(sameMessage(bytes, writeModel(readModel(bytes)))).toBe(true);
  });
});

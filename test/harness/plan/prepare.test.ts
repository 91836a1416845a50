import { readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { ExampleSet } from '../../../engine/definitions/method.ts';
import type { TextItems } from '../../../contracts/task-items.ts';
import { PROTOCOL } from '../../../contracts/protocol.ts';
import { createPreparer } from '../../../harness/plan/prepare.ts';
import { readPreparedData, readPreparedModel } from '../../../harness/plan/prepared-inputs.ts';
import { openWorkspace } from '../../../harness/plan/workspace.ts';
import { writeModel } from '../../../numerics/onnx/write.ts';
import { tensorOf } from '../../../numerics/tensor/tensor.ts';
import { temporaryFolder } from '../../support/store.ts';
import { tinyLlama } from '../../support/tiny-model.ts';
import { tinyDataset, tinyModel } from '../../support/tiny-suite.ts';

const [task] = tinyDataset.tasks;
if (!task) throw new Error('the tiny dataset has a task');

function preparerIn(root = temporaryFolder()) {
  const workspace = openWorkspace(root);
  onTestFinished(() => workspace.release());
  const refuse = () => Promise.reject(new Error('nothing here is on the hub'));
  const hub = { file: refuse, locate: refuse };
  return { root, workspace, preparer: createPreparer(workspace, hub) };
}

function sequences(examples: ExampleSet): string[] {
  return examples.examples.map(({ tokens }) => tokens.join(' '));
}

describe('createPreparer', () => {
  it('never puts test rows into calibration or training files', async () => {
    const { preparer } = preparerIn();
    const test = readPreparedData<TextItems>(await preparer.test(tinyModel, tinyDataset, task));
    const calibration = readPreparedData<ExampleSet>(await preparer.calibration(tinyModel, tinyDataset, 0));
    const training = readPreparedData<ExampleSet>(await preparer.training(tinyModel, tinyDataset, 0));
    const splits = await tinyDataset.load({ file: () => Promise.reject(new Error('no hub')) });
    expect(test.items.map(({ id }) => id)).toEqual(splits.test.map(({ id }) => id));
    expect(training.examples).toHaveLength(splits.training.length);
    const held = new Set(test.items.map(({ tokens }) => tokens.join(' ')));
    expect(held.size).toBe(splits.test.length);
    for (const sequence of [...sequences(calibration), ...sequences(training)]) expect(held.has(sequence)).toBe(false);
  });

  it('draws the token budget by the seed: the same draw again, another for another seed', async () => {
    const first = preparerIn();
    const path = await first.preparer.calibration(tinyModel, tinyDataset, 0);
    const again = preparerIn();
    const samePath = await again.preparer.calibration(tinyModel, tinyDataset, 0);
    expect(basename(samePath)).toBe(basename(path));
    expect(readFileSync(samePath)).toEqual(readFileSync(path));
    const other = await first.preparer.calibration(tinyModel, tinyDataset, 1);
    const [drawn, drawnOther] = [path, other].map((file) => readPreparedData<ExampleSet>(file));
    expect(drawn?.tokenCount).toBe(PROTOCOL.calibration.tokenBudget);
    expect(drawnOther?.tokenCount).toBe(PROTOCOL.calibration.tokenBudget);
    expect(drawnOther?.contentHash).not.toBe(drawn?.contentHash);
  });

  it('reads the dataset and builds the model once', async () => {
    const { preparer } = preparerIn();
    const load = vi.fn(tinyDataset.load);
    const build = vi.fn(tinyModel.build);
    const dataset = { ...tinyDataset, load };
    const model = { ...tinyModel, build };
    await Promise.all([
      preparer.model(model),
      preparer.test(model, dataset, task),
      preparer.calibration(model, dataset, 0),
      preparer.calibration(model, dataset, 1),
      preparer.training(model, dataset, 0),
    ]);
    expect(load).toHaveBeenCalledTimes(1);
    expect(build).toHaveBeenCalledTimes(1);
  });
});

describe('prepareModel and readPreparedModel', () => {
  it('round-trip the model', async () => {
    const { preparer } = preparerIn();
    const prepared = await preparer.model(tinyModel);
    const model = readPreparedModel(prepared);
    const dense = tinyLlama();
    expect(Buffer.from(writeModel(model.onnx)).equals(writeModel(dense.onnx))).toBe(true);
    expect(model.roles).toEqual(dense.roles);
    expect([model.id, model.architecture, model.contextLength]).toEqual([
      dense.id,
      dense.architecture,
      dense.contextLength,
    ]);
    for (const linear of model.linears) expect(model.weight(linear)).toEqual(dense.weight(linear));
    expect(prepared.size.fileBytes).toBe(statSync(prepared.onnxPath).size);
  });

  it('return the smaller dense model beside it where there is one', async () => {
    const smaller = tinyLlama({ layers: 1 });
    const prepared = await preparerIn().preparer.model({ ...tinyModel, smaller: () => Promise.resolve(smaller) });
    if (!prepared.smaller) throw new Error('no smaller model was prepared');
    expect(prepared.smaller.onnxPath).not.toBe(prepared.onnxPath);
    expect(readPreparedModel(prepared.smaller).roles).toEqual(smaller.roles);
    expect(prepared.smaller.size.fileBytes).toBeLessThan(prepared.size.fileBytes);
    expect((await preparerIn().preparer.model(tinyModel)).smaller).toBeUndefined();
  });

  it('do not reuse an old file when the builder has changed', async () => {
    const { root, workspace, preparer } = preparerIn();
    const before = await preparer.model(tinyModel);
    const [linear] = tinyLlama().linears;
    if (!linear) throw new Error('the tiny model has linear layers');
    workspace.release();
    const changed = tinyLlama();
    const zeros = new Float32Array(linear.inFeatures * linear.outFeatures);
    const weight = tensorOf('float32', [linear.inFeatures, linear.outFeatures], zeros);
    const build = () => Promise.resolve(changed.withWeight(linear, weight));
    const after = await preparerIn(root).preparer.model({ ...tinyModel, build });
    expect(after.onnxPath).toBe(before.onnxPath);
    expect(readPreparedModel(after).weight(linear)).toEqual(zeros);
  });
});

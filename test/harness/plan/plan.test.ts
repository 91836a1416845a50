import { beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../../contracts/errors.ts';
import { PROTOCOL } from '../../../contracts/protocol.ts';
import { type MethodRegistration, planTrials } from '../../../harness/plan/plan.ts';
import { deviceOf, runnerOf, sha256Of } from '../../support/rows.ts';
import { methodRegistration, tinyDataset, tinyEntry } from '../../support/tiny-suite.ts';

const runner = runnerOf();
let dense: MethodRegistration;
let rtn: MethodRegistration;
let gptq: MethodRegistration;
let randomMask: MethodRegistration;
let logitKd: MethodRegistration;

beforeAll(async () => {
  [dense, rtn, gptq, randomMask, logitKd] = (await Promise.all(
    ['control/dense', 'quantization/rtn', 'quantization/gptq', 'pruning/random-mask', 'distillation/logit-kd'].map(
      methodRegistration,
    ),
  )) as [MethodRegistration, MethodRegistration, MethodRegistration, MethodRegistration, MethodRegistration];
});

function variantsOf(registration: MethodRegistration, count = 1) {
  return Object.keys(registration.method.variants)
    .slice(0, count)
    .map((variant) => ({ registration, variant }));
}

function seedsOf(registration: MethodRegistration, seeds: readonly number[]): number[] {
  return planTrials([tinyEntry(variantsOf(registration), seeds)], runner).map(({ identity }) => identity.seed);
}

describe('planTrials', () => {
  it('runs random variants once per seed, the others with the first seed only', () => {
    expect(seedsOf(rtn, [3, 4, 5])).toEqual([3]);
    expect(seedsOf(randomMask, [3, 4, 5])).toEqual([3, 4, 5]);
    // A calibrated method's examples are drawn by the seed.
    expect(seedsOf(gptq, [3, 4, 5])).toEqual([3, 4, 5]);
  });

  it('plans a variant once however often it is requested', () => {
    const [first] = variantsOf(rtn);
    if (!first) throw new Error('rtn has variants');
    const entry = tinyEntry([first, first, ...variantsOf(rtn, 2)]);
    const plan = planTrials([entry, entry], runner);
    expect(plan.map(({ identity }) => identity.variant)).toEqual(Object.keys(rtn.method.variants).slice(0, 2));
  });

  it('gives every trial, evaluation and measurement a unique key', () => {
    const variants = [...variantsOf(dense), ...variantsOf(rtn, 3), ...variantsOf(gptq, 3)];
    const keys = planTrials([tinyEntry(variants, [0, 1])], runner).flatMap((trial) => [
      trial.key,
      trial.measurement.key,
      ...trial.evaluations.map(({ key }) => key),
    ]);
    expect(keys).toHaveLength(3 * (1 + 3 + 2 * 3));
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('reads no source code: keys contain the revision, not the path or the text of the code', () => {
    const keyOf = (registration: MethodRegistration) =>
      planTrials([tinyEntry(variantsOf(registration))], runner).map(({ key, identity }) => [key, identity.revision]);
    expect(keyOf({ ...gptq, file: '/nowhere/gptq.ts' })).toEqual(keyOf(gptq));
    const raised = { ...gptq, method: { ...gptq.method, revision: gptq.method.revision + 1 } };
    expect(keyOf(raised)[0]?.[1]).toBe(gptq.method.revision + 1);
    expect(keyOf(raised)[0]?.[0]).not.toBe(keyOf(gptq)[0]?.[0]);
  });

  it('refuses a variant the method does not have, and lists those it has', () => {
    const plan = () => planTrials([tinyEntry([{ registration: rtn, variant: 'w5' }])], runner);
    expect(plan).toThrow(InputError);
    expect(plan).toThrow(/rtn has no variant "w5"; it has .*w4g32/);
  });

  it('includes data in the identity of methods that read it, and of no others', () => {
    const [free, calibrated] = planTrials([tinyEntry([...variantsOf(rtn), ...variantsOf(gptq)])], runner);
    expect(free?.identity.data).toBeNull();
    expect(calibrated?.identity.data).toEqual({ dataset: tinyDataset.id, contentHash: tinyDataset.contentHash });
    expect(free?.identity.protocol).toBe(PROTOCOL.version);
  });

  it('changes only the keys of methods that read calibration data when it changes', () => {
    const variants = [...variantsOf(rtn), ...variantsOf(gptq)];
    const entry = tinyEntry(variants);
    const other = { ...entry, calibration: { ...tinyDataset, contentHash: sha256Of('other rows') } };
    const keys = planTrials([entry], runner).map(({ key }) => key);
    const [free, calibrated] = planTrials([other], runner).map(({ key }) => key);
    expect(free).toBe(keys[0]);
    expect(calibrated).not.toBe(keys[1]);
  });

  it('marks tasks on data the model was trained on as in-sample', () => {
    const entry = tinyEntry(variantsOf(rtn));
    const inSample = (testItemsSeen: readonly string[]) =>
      planTrials([{ ...entry, model: { ...entry.model, testItemsSeen } }], runner)[0]?.evaluations.map(
        (e) => e.inSample,
      );
    expect(inSample([])).toEqual(entry.tasks.map(() => false));
    expect(inSample([tinyDataset.id])).toEqual(entry.tasks.map(() => true));
  });

  it('requires a new measurement, not a new trial, on another runner', () => {
    const entry = tinyEntry(variantsOf(rtn));
    const [here] = planTrials([entry], runner);
    const [there] = planTrials([entry], runnerOf({ provider: 'cuda' }));
    expect(there?.key).toBe(here?.key);
    expect(there?.evaluations.map(({ key }) => key)).toEqual(here?.evaluations.map(({ key }) => key));
    expect(there?.measurement.key).not.toBe(here?.measurement.key);
  });

  it('requires a new trial only of methods that train on the device', () => {
    const entry = tinyEntry([...variantsOf(gptq), ...variantsOf(logitKd)]);
    const gpu = runnerOf({ provider: 'webgpu', device: deviceOf() });
    const [calibrated, trained] = planTrials([entry], gpu);
    const [calibratedThere, trainedThere] = planTrials([entry], gpu, { trainOnDevice: true });
    expect(calibratedThere?.key).toBe(calibrated?.key);
    expect(trainedThere?.key).not.toBe(trained?.key);
    expect(trained?.identity).not.toHaveProperty('trainedOn');
    expect(trainedThere?.identity.trainedOn).toEqual({
      provider: 'webgpu',
      device: 'Example GPU',
      runner: gpu.fingerprint,
    });
    expect(() => planTrials([entry], runner, { trainOnDevice: true })).toThrow(/the runner is the processor/);
  });
});

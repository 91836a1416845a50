/** Shapes against what onnxruntime computes, and round trips against what it computed before, over the ONNX project's node cases. */
import { describe, expect, it } from 'vitest';
import { UnsupportedError } from '../../../contracts/errors.ts';
import { addInitializers } from '../../../numerics/onnx/edit.ts';
import type { OnnxModel } from '../../../numerics/onnx/graph.ts';
import { readModel } from '../../../numerics/onnx/read.ts';
import { type ConcreteShape, inferShapes } from '../../../numerics/onnx/shapes.ts';
import { writeModel } from '../../../numerics/onnx/write.ts';
import { createSession } from '../../../engine/runtime/session.ts';
import { elementCount, type Tensor } from '../../../numerics/tensor/tensor.ts';
import { differences, exposeAll } from './computed-shapes.ts';
import { loadNodeCases } from './node-cases.ts';

type Values = Readonly<Record<string, Tensor>>;

/** The outputs, or undefined where this onnxruntime cannot run the model. */
async function run(bytes: Uint8Array, inputs: Values): Promise<Values | undefined> {
  let session: Awaited<ReturnType<typeof createSession>>;
  try {
    session = await createSession(bytes, { threads: 1 });
  } catch {
    return undefined;
  }
  try {
    return await session.run(inputs);
  } catch {
    return undefined;
  } finally {
    await session.release();
  }
}

/** Integers that steer shapes (axes, sizes, starts) as initializers, as exporters write them. */
function bindIntegers(model: OnnxModel, inputs: Values): { readonly model: OnnxModel; readonly inputs: Values } {
  const steers = (name: string): boolean => {
    const tensor = inputs[name];
    return tensor !== undefined && ['int64', 'int32', 'bool'].includes(tensor.dtype) && elementCount(tensor.dims) <= 16;
  };
  const bound = Object.keys(inputs).filter(steers);
  const graph = addInitializers(
    { ...model.graph, inputs: model.graph.inputs.filter((info) => !bound.includes(info.name)) },
    Object.fromEntries(bound.map((name) => [name, inputs[name] as Tensor])),
  );
  return {
    model: { ...model, irVersion: Math.max(model.irVersion, 4), graph },
    inputs: Object.fromEntries(Object.entries(inputs).filter(([name]) => !bound.includes(name))),
  };
}

describe('over the node cases that onnxruntime runs', () => {
  it('a rewritten model gives the same outputs, bit for bit', async () => {
    const other: string[] = [];
    let compared = 0;
    for (const { name, model, inputs } of loadNodeCases()) {
      const before = inputs && (await run(model, inputs));
      if (inputs === undefined || before === undefined) continue;
      // Random operators without a seed differ from run to run, also before.
      const again = await run(model, inputs);
      const after = await run(writeModel(readModel(model)), inputs);
      compared++;
      try {
        expect(after).toEqual(before);
      } catch {
        try {
          expect(again).toEqual(before);
          other.push(name);
        } catch {
          compared--;
        }
      }
    }
    expect(other).toEqual([]);
    expect(compared).toBeGreaterThan(1300);
  });

  it('inferred shapes, types and folded values equal the computed ones', async () => {
    const wrong: string[] = [];
    let [cases, values, folded] = [0, 0, 0];
    for (const item of loadNodeCases()) {
      if (item.inputs === undefined) continue;
      const { model, inputs } = bindIntegers(readModel(item.model), item.inputs);
      const dims = Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [name, tensor.dims]));
      let shapes: ReadonlyMap<string, ConcreteShape>;
      try {
        shapes = inferShapes(model, { inputs: dims });
      } catch (error) {
        if (!(error instanceof UnsupportedError)) wrong.push(`${item.name}: ${(error as Error).message}`);
        continue;
      }
      const got = await run(writeModel(exposeAll(model, shapes)), inputs);
      if (got === undefined) continue;
      wrong.push(...differences(item.name, shapes, got));
      cases++;
      values += Object.keys(got).length;
      folded += Object.keys(got).filter((name) => shapes.get(name)?.values !== undefined).length;
    }
    expect(wrong).toEqual([]);
    console.info(`shapes agree in ${cases} cases, ${values} values, ${folded} of them folded`);
    expect(cases).toBeGreaterThan(1150);
    expect(folded).toBeGreaterThan(500);
  });
});

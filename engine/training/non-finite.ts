/**
 * Finds where a step produced non-finite numbers: the first node, in the order of execution, with a non-finite output.
 */
import { NumericalError } from '../../contracts/errors.ts';
import { present } from '../../contracts/present.ts';
import type { Provider } from '../../contracts/runner.ts';
import { removeDeadCode } from '../../numerics/onnx/edit.ts';
import type { OnnxModel } from '../../numerics/onnx/graph.ts';
import { inferShapes } from '../../numerics/onnx/shapes.ts';
import { createSession } from '../runtime/session.ts';
import { elements, type NumericTensor, tensorOf } from '../../numerics/tensor/tensor.ts';
import { extendModel } from './graph-writer.ts';

export interface NonFiniteRequest {
  /** Forward, loss and gradients, with parameters as inputs. */
  readonly gradients: OnnxModel;
  readonly parameters: ReadonlyMap<string, Float32Array>;
  /** The batches of the step. */
  readonly batches: readonly Readonly<Record<string, NumericTensor>>[];
  readonly step: number;
  readonly loss: number;
  /** Provider of the failed step; it is examined on the CPU. */
  readonly provider: Provider;
  readonly threads?: number;
}

/** Returns the error to throw. Runs the step once more with a probe on every value. */
export async function explainNonFinite(request: NonFiniteRequest): Promise<NumericalError> {
  const { step, loss, parameters, batches } = request;
  const what = `training: step ${step}: ${Number.isFinite(loss) ? 'the gradient is not finite' : `the loss is ${loss}`}`;
  const advice = 'lower the learning rate, clip the gradient or check the batch';
  for (const [name, values] of parameters) {
    if (!values.every(Number.isFinite))
      return new NumericalError(`${what}; parameter "${name}" was not finite before it; ${advice}`);
  }
  for (const [at, batch] of batches.entries()) {
    const found = await firstBadNode(request, batch);
    if (found === undefined) continue;
    const where = batches.length === 1 ? '' : ` of batch ${at}`;
    return new NumericalError(
      `${what}; first at node "${found.name}" (${found.op})${where}, value "${found.value}"; ${advice}`,
    );
  }
  if (request.provider !== 'cpu') {
    return new NumericalError(
      `${what} on ${request.provider}, while every value of it is finite on the CPU from the same state; train on the CPU`,
    );
  }
  return new NumericalError(`${what}, although every value of it is: its norm overflows float32; ${advice}`);
}

async function firstBadNode(
  { gradients, parameters, threads }: NonFiniteRequest,
  batch: Readonly<Record<string, NumericTensor>>,
): Promise<{ readonly name: string; readonly op: string; readonly value: string } | undefined> {
  const { graph } = gradients;
  const dims = new Map(
    graph.inputs.map(({ name, type }) => [name, type?.kind === 'tensor' ? (type.dims as readonly number[]) : []]),
  );
  const feeds: Record<string, NumericTensor> = { ...batch };
  for (const [name, values] of parameters) feeds[name] = tensorOf('float32', dims.get(name) ?? [], values);
  const shapes = inferShapes(gradients, {
    inputs: Object.fromEntries(Object.entries(feeds).map(([name, tensor]) => [name, tensor.dims])),
  });
  const probed = graph.nodes.flatMap((node) =>
    node.outputs
      .filter((output) => output !== '' && shapes.get(output)?.dtype === 'float32')
      .map((value) => ({ name: node.name, op: node.op, value })),
  );
  const w = extendModel(gradients, 'probe/');
  // x - x is 0 where x is finite and NaN elsewhere.
  const probes = probed.map(({ value }) => w.reshape(w.reduceSum(w.sub(value, value), { keepdims: false }), [1]));
  const all = w.concat(probes, { axis: 0 });
  const outputs = [{ name: all, type: { kind: 'tensor', dtype: 'float32', dims: [probes.length] } as const }];
  const model = w.finish({ outputs });
  const session = await createSession(
    { ...model, graph: removeDeadCode(model.graph) },
    threads === undefined ? {} : { threads },
  );
  try {
    const wanted = new Set(session.inputs.map(({ name }) => name));
    const result = await session.run(Object.fromEntries(Object.entries(feeds).filter(([name]) => wanted.has(name))));
    const found = elements(present(result[all], 'result[all]'), 'float32').findIndex(
      (value) => !Number.isFinite(value),
    );
    return probed[found];
  } finally {
    await session.release();
  }
}

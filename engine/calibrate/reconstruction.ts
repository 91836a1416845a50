/**
 * Sums for refitting linear layers of a compressed model, so that their outputs are again those of the dense model
 * despite errors in earlier layers. With x the input of the layer, both sums run over all positions:
 *   min over W of Σ ‖x W − t‖²  from  Σ xᵀ x and Σ xᵀ t
 * where t is the layer's output in the dense model or, for a layer that writes to the residual stream,
 *   t = (the dense model's stream after the sublayer) − (the compressed model's stream before it) − bias
 */
import { present } from '../../contracts/present.ts';
import { UnsupportedError } from '../../contracts/errors.ts';
import type { Example } from '../definitions/method.ts';
import type { LinearRole, Model } from '../definitions/model.ts';
import { removeDeadCode, withGraph } from '../../numerics/onnx/edit.ts';
import type { ValueInfo } from '../../numerics/onnx/graph.ts';
import { consumers } from '../../numerics/onnx/names.ts';
import { addElements } from '../runtime/statistics.ts';
import { runExamples } from '../runtime/capture.ts';
import { exampleFeeds } from '../runtime/token-feeds.ts';
import { elements } from '../../numerics/tensor/tensor.ts';
import { extendModel, type GraphWriter } from '../training/graph-writer.ts';
import { mergeTeacher, TEACHER_PREFIX } from '../training/teacher.ts';

export interface Reconstruction {
  /** Σ xᵀ x, [in, in] */
  readonly moment: Float64Array;
  /** Σ xᵀ t, [in, out] */
  readonly cross: Float64Array;
}

/** The same linear layer in both models. */
export interface RebuiltLinear {
  readonly dense: LinearRole;
  readonly compressed: LinearRole;
}

interface Run {
  readonly dense: Model;
  readonly compressed: Model;
  readonly examples: readonly Example[];
  readonly signal?: AbortSignal;
}

export interface ReconstructionRun extends Run {
  /** A projection that writes to the residual stream, o or down of a block. */
  readonly linear: RebuiltLinear;
}

export interface OutputReconstructionRun extends Run {
  /** Layers that do not depend on each other. */
  readonly linears: readonly RebuiltLinear[];
}

/**
 * Products run in float32 within an example and are summed in float64. Throws UnsupportedError where no residual is
 * added.
 */
export async function reconstructionMoments({ linear, ...run }: ReconstructionRun): Promise<Reconstruction> {
  const { dense, compressed } = run;
  const here = residualAfter(compressed, linear.compressed);
  const there = TEACHER_PREFIX + residualAfter(dense, linear.dense).sum;
  const { bias } = linear.compressed;
  const target = (w: GraphWriter) => {
    const missing = w.sub(there, here.skip);
    return bias === undefined ? missing : w.sub(missing, bias);
  };
  const [moments] = await sums(run, [{ linear: linear.compressed, target }]);
  return present(moments, 'moments');
}

/** As reconstructionMoments, with the layer's output in the dense model, before the bias, as target. */
export function outputMoments({ linears, ...run }: OutputReconstructionRun): Promise<readonly Reconstruction[]> {
  return sums(
    run,
    linears.map(({ dense, compressed }) => ({ linear: compressed, target: () => TEACHER_PREFIX + dense.output })),
  );
}

interface Summand {
  readonly linear: LinearRole;
  /** Writes t, [batch, sequence, out], and returns its name. */
  target(w: GraphWriter): string;
}

async function sums(
  { dense, compressed, examples, signal }: Run,
  summands: readonly Summand[],
): Promise<readonly Reconstruction[]> {
  const w = extendModel(mergeTeacher(compressed.onnx, dense.onnx), 'reconstruction/');
  const totals = new Map<string, Float64Array>();
  const total = (name: string, length: number): Float64Array => {
    const sum = new Float64Array(length);
    totals.set(name, sum);
    return sum;
  };
  const inputs = new Map<string, { readonly x: string; readonly moment: Float64Array }>();
  const made = summands.map(({ linear: { input, inFeatures, outFeatures }, target }): Reconstruction => {
    let entering = inputs.get(input);
    if (entering === undefined) {
      const x = w.reshape(input, [-1, inFeatures]);
      entering = { x, moment: total(w.gemm(x, x, { transA: true }), inFeatures * inFeatures) };
      inputs.set(input, entering);
    }
    const t = w.reshape(target(w), [-1, outFeatures]);
    const cross = total(w.gemm(entering.x, t, { transA: true }), inFeatures * outFeatures);
    return { moment: entering.moment, cross };
  });
  const info = (name: string): ValueInfo => ({
    name,
    type: { kind: 'tensor', dtype: 'float32', dims: [undefined, undefined] },
  });
  const model = w.finish({ outputs: [...totals.keys()].map(info) });
  const part = removeDeadCode(model.graph);
  await runExamples({
    model: withGraph(model, part),
    count: examples.length,
    feeds: (index) => exampleFeeds(part.inputs, present(examples[index], `example ${index}`)),
    visit(outputs) {
      for (const [name, sum] of totals) addElements(sum, elements(present(outputs[name], name), 'float32'));
    },
    ...(signal && { signal }),
  });
  return made;
}

export interface Residual {
  /** The value that bypasses the sublayer, and the sum of both. */
  readonly skip: string;
  readonly sum: string;
}

/** Where the output of a projection and its bias is added to the residual stream. */
export function residualAfter({ id, onnx }: Model, linear: LinearRole): Residual {
  const readers = consumers(onnx.graph);
  const addition = (value: string): { readonly other: string; readonly sum: string } => {
    const [node, ...others] = readers.get(value) ?? [];
    const other = node?.inputs.find((name) => name !== value);
    const sum = node?.outputs[0];
    if (node?.op === 'Add' && others.length === 0 && other !== undefined && sum !== undefined) return { other, sum };
    throw new UnsupportedError(
      `${id}: the output of ${linear.role} is read by [${[node, ...others].map((each) => each?.op ?? 'nothing').join(', ')}], ` +
        'expected an Add of its bias or of the residual stream and nothing else',
    );
  };
  const biased = linear.bias === undefined ? linear.output : addition(linear.output).sum;
  const { other: skip, sum } = addition(biased);
  return { skip, sum };
}

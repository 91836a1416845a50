/**
 * What it takes to rebuild one projection of a compressed model so that the residual stream behind it is that of the dense
 * model again, whatever went wrong before it. With x what enters the projection, both sums run over all positions:
 *   min over W of Σ ‖x W − t‖²  from  Σ xᵀ x and Σ xᵀ t,   t = (what dense has behind the sublayer) − (what enters it here) − bias
 */
import { UnsupportedError } from '../contracts/errors.ts';
import type { Example } from '../contracts/method.ts';
import type { LinearRole, Model } from '../contracts/model.ts';
import { removeDeadCode, withGraph } from '../onnx/edit.ts';
import type { ValueInfo } from '../onnx/graph.ts';
import { consumers } from '../onnx/names.ts';
import { runExamples } from '../runtime/capture.ts';
import { exampleFeeds } from '../runtime/token-feeds.ts';
import { elements } from '../tensor/tensor.ts';
import { extendModel } from '../training/graph-writer.ts';
import { mergeTeacher, TEACHER_PREFIX } from '../training/teacher.ts';

export interface Reconstruction {
  /** Σ xᵀ x, [in, in] */
  readonly moment: Float64Array;
  /** Σ xᵀ t, [in, out] */
  readonly cross: Float64Array;
}

export interface ReconstructionRun {
  readonly dense: Model;
  readonly compressed: Model;
  /** The same projection, o or down of a block, in both. */
  readonly linear: { readonly dense: LinearRole; readonly compressed: LinearRole };
  readonly examples: readonly Example[];
  readonly signal?: AbortSignal;
}

/** Products run in float32 within an example and are added up in float64. Throws UnsupportedError where no residual is added. */
export async function reconstructionMoments(run: ReconstructionRun): Promise<Reconstruction> {
  const { dense, compressed, linear, examples, signal } = run;
  const { inFeatures, outFeatures, input, bias } = linear.compressed;
  const here = residualAfter(compressed, linear.compressed);
  const there = TEACHER_PREFIX + residualAfter(dense, linear.dense).sum;
  const w = extendModel(mergeTeacher(compressed.onnx, dense.onnx), 'reconstruction/');
  const missing = w.sub(there, here.skip);
  const x = w.reshape(input, [-1, inFeatures]);
  const t = w.reshape(bias === undefined ? missing : w.sub(missing, bias), [-1, outFeatures]);
  const outputs = {
    moment: { name: w.gemm(x, x, { transA: true }), sum: new Float64Array(inFeatures * inFeatures) },
    cross: { name: w.gemm(x, t, { transA: true }), sum: new Float64Array(inFeatures * outFeatures) },
  };
  const info = (name: string): ValueInfo => ({
    name,
    type: { kind: 'tensor', dtype: 'float32', dims: [undefined, undefined] },
  });
  const model = w.finish({ outputs: Object.values(outputs).map(({ name }) => info(name)) });
  const part = removeDeadCode(model.graph);
  await runExamples({
    model: withGraph(model, part),
    count: examples.length,
    feeds: (index) => exampleFeeds(part.inputs, examples[index]),
    visit(made) {
      for (const { name, sum } of Object.values(outputs)) {
        elements(made[name], 'float32').forEach((value, at) => (sum[at] += value));
      }
    },
    ...(signal && { signal }),
  });
  return { moment: outputs.moment.sum, cross: outputs.cross.sum };
}

export interface Residual {
  /** The value that passes the sublayer by, and the one in which both come together. */
  readonly skip: string;
  readonly sum: string;
}

/** Where what a projection and its bias give is added to the residual stream. */
export function residualAfter({ id, onnx }: Model, linear: LinearRole): Residual {
  const readers = consumers(onnx.graph);
  const addition = (value: string): { readonly other: string; readonly sum: string } => {
    const [node, ...others] = readers.get(value) ?? [];
    const other = node?.inputs.find((name) => name !== value);
    if (node?.op === 'Add' && others.length === 0 && other !== undefined) return { other, sum: node.outputs[0] };
    throw new UnsupportedError(
      `${id}: the output of ${linear.role} is read by [${[node, ...others].map((each) => each?.op ?? 'nothing').join(', ')}], ` +
        'expected an Add of its bias or of the residual stream and nothing else',
    );
  };
  const biased = linear.bias === undefined ? linear.output : addition(linear.output).sum;
  const { other: skip, sum } = addition(biased);
  return { skip, sum };
}

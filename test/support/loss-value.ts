/** The value of a training loss for given token rows, with no step made. */
import type { OnnxModel } from '../../numerics/onnx/graph.ts';
import { withGraph } from '../../numerics/onnx/edit.ts';
import { createSession } from '../../engine/runtime/session.ts';
import { elements, type NumericTensor, tensorOf } from '../../numerics/tensor/tensor.ts';
import { addLoss } from '../../engine/training/loss-graph.ts';
import type { Loss } from '../../engine/training/loss.ts';

/** `rows` of equal length; inputs that the loss makes beside the model's own come from `feeds`. */
export async function lossValue(
  onnx: OnnxModel,
  loss: Loss,
  rows: readonly (readonly number[])[],
  feeds: Readonly<Record<string, NumericTensor>> = {},
): Promise<number> {
  const dims = [rows.length, rows[0]?.length ?? 0];
  const given: Record<string, NumericTensor> = { ...feeds };
  for (const { name } of onnx.graph.inputs) {
    const values = name === 'input_ids' ? rows.flat() : rows.flat().map(() => (name === 'attention_mask' ? 1 : 0));
    given[name] ??= tensorOf('int64', dims, BigInt64Array.from(values, BigInt));
  }
  const shapes = Object.fromEntries(Object.entries(given).map(([name, tensor]) => [name, tensor.dims]));
  const made = addLoss(onnx, { inputs: shapes, loss });
  const outputs = [{ name: made.loss, type: { kind: 'tensor', dtype: 'float32', dims: [] } } as const];
  const session = await createSession(withGraph(made.model, { ...made.model.graph, outputs }), { threads: 1 });
  try {
    const wanted = new Set(session.inputs.map(({ name }) => name));
    const used = Object.fromEntries(Object.entries(given).filter(([name]) => wanted.has(name)));
    const result = await session.run(used);
    return elements(result[made.loss] as NumericTensor, 'float32')[0] as number;
  } finally {
    await session.release();
  }
}

/**
 * Finds the nodes that compute the logits from the token embedding, where the output layer is the transposed embedding.
 */
import { present } from '../../../contracts/present.ts';
import { UnsupportedError } from '../../../contracts/errors.ts';
import type { Model } from '../../../engine/definitions/model.ts';
import { intsAttribute } from '../../../numerics/onnx/attributes.ts';
import type { Node } from '../../../numerics/onnx/graph.ts';

/**
 * The MatMul nodes that multiply by the transposed token embedding, given a node that reads the table and is not its
 * look-up.
 * Throws UnsupportedError when that node does anything else with the table.
 */
export function tiedLogits(model: Model, reader: Node): readonly Node[] {
  const { weight: table } = model.roles.embedding;
  const transposed = present(reader.outputs[0], `output of ${reader.name}`);
  const users = model.onnx.graph.nodes.filter((node) => node.inputs.includes(transposed));
  const isTranspose = reader.op === 'Transpose' && intsAttribute(reader, 'perm', [1, 0]).join() === '1,0';
  const areLogits = users.every((node) => node.op === 'MatMul' && node.inputs[1] === transposed);
  if (!isTranspose || !areLogits) {
    throw new UnsupportedError(
      `${model.id}: the token embedding ${table} is also read by ${reader.op} "${reader.name}"; only a lookup and a MatMul ` +
        `with its transpose can be quantized, use embedding: 'float'`,
    );
  }
  return users;
}

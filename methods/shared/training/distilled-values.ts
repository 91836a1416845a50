/** The inner values by which a student is compared with its teacher, found in the graph by its structure. */
import { present } from '../../../contracts/present.ts';
import { UnsupportedError } from '../../../contracts/errors.ts';
import type { LayerRoles, LinearRole, Model } from '../../../engine/definitions/model.ts';
import { headsOfLayer, type LayerHeads } from '../../../engine/model/model.ts';
import { producers } from '../../../numerics/onnx/names.ts';
import { TEACHER_PREFIX } from '../../../engine/training/teacher.ts';
import { findAttention } from '../surgery/attention.ts';

/** A value of the student and its counterpart in the merged teacher. */
export type Pair = readonly [student: string, teacher: string];

export function pairOf(student: string, teacher: string): Pair {
  return [student, TEACHER_PREFIX + teacher];
}

/** The input that marks padding; undefined where all positions count, as in packed rows of a decoder. */
export function paddingMask({ onnx }: Pick<Model, 'onnx'>): string | undefined {
  return onnx.graph.inputs.find(({ name }) => name === 'attention_mask')?.name;
}

export interface AttentionScores {
  /** Scores before any mask, [batch, heads, sequence, sequence]. */
  readonly raw: string;
  /** Scores at the input of the softmax. */
  readonly masked: string;
  /** bool, broadcast to the scores: true where the row's position may see the column's. */
  readonly visible: string;
}

/** Throws UnsupportedError where attention does not consist of scores, a mask by Where, and a softmax. */
export function attentionScores(model: Model, layer: LayerRoles): AttentionScores {
  const { scores, nodes } = findAttention(model, layer);
  const raw = present(scores.outputs[0], `output of ${scores.name}`);
  const mask = nodes.find(({ node }) => node.op === 'Where' && node.inputs[1] === raw)?.node;
  const softmax = nodes.find(({ node }) => node.op === 'Softmax' && node.inputs[0] === mask?.outputs[0])?.node;
  if (mask !== undefined && softmax !== undefined)
    return {
      raw,
      masked: present(softmax.inputs[0], `input of ${softmax.name}`),
      visible: present(mask.inputs[0], `condition of ${mask.name}`),
    };
  throw new UnsupportedError(
    `${model.id}: the scores "${raw}" before ${layer.o.role} do not go through a Where into a Softmax but through ` +
      `[${nodes.map(({ node }) => node.op).join(', ')}]; their attention cannot be compared`,
  );
}

/**
 * Attention is compared head by head. Throws UnsupportedError where student and teacher have different numbers of
 * heads.
 */
export function requireSameHeads(student: Model, teacher: Model): void {
  const [own, other] = [student, teacher].map((model) =>
    headsOfLayer(model.roles, model.roles.layers.at(-1) as LayerRoles),
  );
  if (own?.heads === other?.heads && own?.keyValueHeads === other?.keyValueHeads) return;
  const shown = (heads?: LayerHeads) => `${heads?.heads} heads and ${heads?.keyValueHeads} key-value heads`;
  throw new UnsupportedError(
    `${student.id}: comparing attention with ${teacher.id} needs ${shown(other)}, got ${shown(own)}; ` +
      'choose a student with as many heads as its teacher',
  );
}

/** The output of a linear layer including its bias, [batch, sequence, out]. */
export function biasedOutput({ id, onnx }: Model, { role, output, bias }: LinearRole): string {
  if (bias === undefined) return output;
  const reader = onnx.graph.nodes.find(
    ({ op, inputs }) => op === 'Add' && inputs.includes(output) && inputs.includes(bias),
  );
  if (reader !== undefined) return present(reader.outputs[0], `output of ${reader.name}`);
  throw new UnsupportedError(`${id}: no Add puts the bias "${bias}" onto the output of ${role}`);
}

/**
 * Hidden states at the input of the output layer, [batch, sequence, width]: after the last norm of a decoder, the last
 * layer's output of an encoder.
 */
export function lastHidden({ id, kind, onnx, roles }: Model): string {
  const last = roles.layers.at(-1) as LayerRoles;
  if (kind !== 'decoder') return last.output;
  const head = producers(onnx.graph).get('logits');
  if (head?.op === 'MatMul') return present(head.inputs[0], `input of ${head.name}`);
  throw new UnsupportedError(
    `${id}: logits are made by ${head?.op ?? 'nothing'}, expected a MatMul of the last hidden states`,
  );
}

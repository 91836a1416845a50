/**
 * Finds the residual stream of a decoder whose sublayers read it through a norm: where it is made, normalised, read and
 * added to.
 */
import { UnsupportedError } from '../../../contracts/errors.ts';
import type { LinearRole, Model } from '../../../engine/definitions/model.ts';
import { floatAttribute } from '../../../numerics/onnx/attributes.ts';
import type { Node } from '../../../numerics/onnx/graph.ts';
import { consumers, producers } from '../../../numerics/onnx/names.ts';
import { elements } from '../../../numerics/tensor/tensor.ts';
import { tiedLogits } from '../formats/tied-logits.ts';

export interface StreamNorm {
  /** The normalised value. */
  readonly output: string;
  /** LayerNormalization subtracts the mean of the features; a root mean square norm does not. */
  readonly centres: boolean;
  readonly epsilon: number;
  /** γ and β, [width] */
  readonly scale: Float32Array;
  readonly shift?: Float32Array;
}

/** The stream between two additions. */
export interface StreamSegment {
  readonly value: string;
  readonly norm: StreamNorm;
  /** Linear layers that read the norm; none where the transposed token embedding does. */
  readonly readers: readonly LinearRole[];
  /** What is added to the segment to make the next one; absent at the last. */
  readonly writer?: { readonly linear: LinearRole; readonly add: string };
}

/**
 * Two segments per layer, before attention and before the feed-forward block, and the last.
 * Throws UnsupportedError where blocks are built otherwise.
 */
export function segmentsOf(model: Model): readonly StreamSegment[] {
  const { layers, head, embedding } = model.roles;
  const { graph } = model.onnx;
  const makers = producers(graph);
  const readersOf = consumers(graph);
  const segments: StreamSegment[] = [];
  const segment = (value: string, readers: readonly LinearRole[], writer: LinearRole, sum: string): void => {
    const made = makers.get(sum);
    const added = made?.inputs.find((name) => name !== value);
    const own = added === writer.output || makers.get(added ?? '')?.inputs.includes(writer.output) === true;
    const add = made?.op === 'Add' && made.inputs.includes(value) && own ? made : undefined;
    const norm = normOf(model, value, readers[0]?.input);
    const alone = readers.every(({ input }) => input === norm?.output);
    if (add === undefined || norm === undefined || !alone)
      throw refusal(model, `${writer.role} and what is computed with it`);
    segments.push({ value, norm, readers, writer: { linear: writer, add: add.name } });
  };
  for (const [index, { q, k, v, o, gate, up, down, input, output }] of layers.entries()) {
    const previous = layers[index - 1];
    const attended = streamBefore(makers, up.input);
    if (attended === undefined || (previous && previous.output !== input)) throw refusal(model, up.role);
    segment(input, [q, k, v], o, attended);
    segment(attended, gate ? [gate, up] : [up], down, output);
  }
  const last = layers.at(-1)?.output ?? '';
  const table = (readersOf.get(embedding.weight) ?? []).find(({ name }) => name !== embedding.node);
  const seen = head ? head.input : table && tiedLogits(model, table)[0]?.inputs[0];
  const norm = normOf(model, last, seen);
  if (norm === undefined) throw refusal(model, 'the output layer');
  segments.push({ value: last, norm, readers: head ? [head] : [] });
  return segments;
}

function refusal({ id }: Model, what: string): UnsupportedError {
  return new UnsupportedError(
    `${id}: expected each sublayer to read the stream through LayerNormalization or RMSNorm and to be added to it, one after ` +
      `another, but ${what} is built otherwise; only such decoders can have another basis`,
  );
}

/** The value that is normalised into this one. */
function streamBefore(makers: ReadonlyMap<string, Node>, normalised: string): string | undefined {
  const node = makers.get(normalised);
  if (node?.op === 'LayerNormalization') return node.inputs[0];
  return node?.inputs.map((name) => makers.get(name)).find((each) => each?.op === 'Div')?.inputs[0];
}

/** The norm of `value` whose output is `output`: LayerNormalization, or x / √(mean(x²) + ε) · γ as primitive operators. */
function normOf({ onnx, roles }: Model, value: string, output: string | undefined): StreamNorm | undefined {
  const makers = producers(onnx.graph);
  const node = makers.get(output ?? '');
  if (output === undefined || node === undefined || streamBefore(makers, output) !== value) return undefined;
  const held = (name: string | undefined, count: number): Float32Array | undefined => {
    const tensor = onnx.graph.initializers.get(name ?? '');
    if (tensor?.dtype !== 'float32') return undefined;
    const values = elements(tensor, 'float32');
    return values.length === count ? values : undefined;
  };
  if (node.op === 'LayerNormalization') {
    const [scale, shift] = [held(node.inputs[1], roles.width), held(node.inputs[2], roles.width)];
    if (scale === undefined) return undefined;
    return { output, centres: true, epsilon: floatAttribute(node, 'epsilon', 1e-5), scale, ...(shift && { shift }) };
  }
  const scale = node.inputs.map((name) => held(name, roles.width)).find((each) => each !== undefined);
  const divide = node.inputs.map((name) => makers.get(name)).find((each) => each?.op === 'Div');
  const root = makers.get(divide?.inputs[1] ?? '');
  const sum = makers.get(root?.inputs[0] ?? '');
  const mean = sum?.inputs.map((name) => makers.get(name)).find((each) => each?.op === 'ReduceMean');
  const squares = makers.get(mean?.inputs[0] ?? '');
  const epsilon = sum?.inputs.map((name) => held(name, 1)).find((each) => each !== undefined)?.[0];
  const known =
    node.op === 'Mul' && root?.op === 'Sqrt' && sum?.op === 'Add' && (squares?.op === 'Pow' || squares?.op === 'Mul');
  if (!known || scale === undefined || epsilon === undefined || squares.inputs[0] !== value) return undefined;
  return { output, centres: false, epsilon, scale };
}

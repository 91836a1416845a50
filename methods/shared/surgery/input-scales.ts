/**
 * Moves scales from the inputs of linear layers to their weights, x W = (x / s) (diag(s) W): the model computes the
 * same function and rounding errors fall. Xiao et al. 2023 (SmoothQuant), https://arxiv.org/abs/2211.10438, section 4;
 * Lin et al.
 * 2024 (AWQ), https://arxiv.org/abs/2306.00978, section 3.2.
 * The division is merged into the producer of the input where that is a norm, a gate or the values of attention and has
 * no other reader. Elsewhere (encoders that normalise after the residual sum, GELU, shared value heads) it is a
 * separate multiplication before the layers.
 */
import { NumericalError } from '../../../contracts/errors.ts';
import type { LinearRole, Model } from '../../../engine/definitions/model.ts';
import { addInitializers, insertNodes, replaceInitializer, withGraph } from '../../../numerics/onnx/edit.ts';
import type { Graph, Node } from '../../../numerics/onnx/graph.ts';
import { consumers, producers } from '../../../numerics/onnx/names.ts';
import { createNode } from '../../../numerics/onnx/node.ts';
import { elements, tensorOf } from '../../../numerics/tensor/tensor.ts';

/** Linear layers that read the same value, in the order data flows. */
export function layersByInput(linears: readonly LinearRole[]): readonly (readonly LinearRole[])[] {
  return [...Map.groupBy(linears, ({ input }) => input).values()];
}

export interface InputScales {
  /** Some of the layers that read one value. */
  readonly linears: readonly LinearRole[];
  /** s, [in], all positive */
  readonly scales: Float32Array;
}

export interface Scaled {
  readonly model: Model;
  /** The model's linear layers; those after a separate multiplication read its output. */
  readonly linears: readonly LinearRole[];
  /** The remark for a row about added multiplications, or undefined. */
  readonly remark: string | undefined;
}

/** Throws NumericalError where a scale is not a positive finite number. */
export function withInputScales(model: Model, groups: Iterable<InputScales>): Scaled {
  let scaled = model;
  const inputs = new Map<string, string>();
  for (const group of groups) {
    requirePositive(group);
    for (const linear of group.linears) scaled = withScaledRows(scaled, linear, group.scales);
    const divided = dividedAtSource(scaled, group);
    if (divided !== undefined) {
      scaled = divided;
      continue;
    }
    const { input } = group.linears[0]!;
    scaled = scaled.withOnnx(withGraph(scaled.onnx, dividedByNode(scaled.onnx.graph, group)));
    for (const { role } of group.linears) inputs.set(role, scaledName(input));
  }
  const linears = model.linears.map((linear) => ({ ...linear, input: inputs.get(linear.role) ?? linear.input }));
  return { model: scaled, linears, remark: remarkOf(model, inputs) };
}

function requirePositive({ linears, scales }: InputScales): void {
  const feature = scales.findIndex((scale) => !(scale > 0 && Number.isFinite(scale)));
  if (feature < 0) return;
  throw new NumericalError(
    `${linears.map(({ role }) => role).join(', ')}: the scale of input feature ${feature} is ${scales[feature]}, expected a positive finite ` +
      'number; check the activations on the calibration data and the weights for values that are not finite',
  );
}

function remarkOf(model: Model, inputs: ReadonlyMap<string, string>): string | undefined {
  if (inputs.size === 0) return undefined;
  const count = new Set(inputs.values()).size;
  const roles = [...new Set([...inputs.keys()].map((role) => role.split('.').at(-1)))].join(', ');
  return `${count} scalings (before ${roles}) are multiplications of their own: nothing before them in a ${model.architecture} can take them in`;
}

const scaledName = (input: string): string => `${input}.scaled`;

/** diag(s) W */
function withScaledRows(model: Model, linear: LinearRole, scales: Float32Array): Model {
  const { inFeatures, outFeatures } = linear;
  const weight = model.weight(linear).map((value, at) => value * scales[Math.floor(at / outFeatures)]!);
  return model.withWeight(linear, tensorOf('float32', [inFeatures, outFeatures], weight));
}

/** The graph with x / s computed before the layers. */
function dividedByNode(graph: Graph, { linears, scales }: InputScales): Graph {
  const { input } = linears[0]!;
  const readers = new Set(linears.map(({ node }) => node));
  const reciprocals = tensorOf(
    'float32',
    [scales.length],
    scales.map((scale) => 1 / scale),
  );
  const output = scaledName(input);
  const stored = addInitializers(graph, { [`${input}.reciprocals`]: reciprocals });
  const nodes = stored.nodes.map((node) =>
    readers.has(node.name) ? { ...node, inputs: node.inputs.map((name) => (name === input ? output : name)) } : node,
  );
  const first = nodes.find((node) => readers.has(node.name)) as Node;
  const multiply = createNode({ op: 'Mul', name: output, inputs: [input, `${input}.reciprocals`], outputs: [output] });
  return insertNodes({ ...stored, nodes }, [multiply], { before: first.name });
}

/** The model with the division merged into the producer of the input, or undefined where that is not possible. */
function dividedAtSource(model: Model, { linears, scales }: InputScales): Model | undefined {
  const { graph } = model.onnx;
  const { input } = linears[0]!;
  const readers = consumers(graph);
  const own = new Set(linears.map(({ node }) => node));
  const isOutput = graph.outputs.some(({ name }) => name === input);
  if (isOutput || (readers.get(input) ?? []).some(({ name }) => !own.has(name))) return undefined;

  const makers = producers(graph);
  const maker = makers.get(input);
  const readOnce = (name: string) => (readers.get(name) ?? []).length === 1;
  if (maker?.op === 'LayerNormalization') {
    const parts = maker.inputs.slice(1).filter((name) => name !== '');
    return parts.every((name) => isVector(graph, name, scales.length) && readOnce(name))
      ? withDivided(model, parts, scales)
      : undefined;
  }
  if (maker?.op === 'Mul') {
    // The weight of an RMS norm; or a gate, whose other factor is the output of a linear layer.
    const vector = maker.inputs.find((name) => isVector(graph, name, scales.length) && readOnce(name));
    if (vector !== undefined) return withDivided(model, [vector], scales);
    const source = model.linears.find(({ output }) => maker.inputs.includes(output) && readOnce(output));
    return source && withDividedOutputs(model, source, scales);
  }
  const values = valuesOfAttention(model, input);
  return values && withDividedOutputs(model, values, scales);
}

function isVector(graph: Graph, name: string, length: number): boolean {
  const tensor = graph.initializers.get(name);
  return tensor?.dtype === 'float32' && tensor.dims.length === 1 && tensor.dims[0] === length;
}

/** These initializers [in] divided by s. */
function withDivided(model: Model, names: readonly string[], scales: Float32Array): Model {
  let { graph } = model.onnx;
  for (const name of names) {
    const values = elements(graph.initializers.get(name) as Parameters<typeof elements>[0], 'float32');
    const divided = values.map((value, at) => value / scales[at]!);
    graph = replaceInitializer(graph, name, tensorOf('float32', [divided.length], divided));
  }
  return model.withOnnx(withGraph(model.onnx, graph));
}

/** The layer with its outputs divided by s, bias included. */
function withDividedOutputs(model: Model, linear: LinearRole, scales: Float32Array): Model | undefined {
  const { inFeatures, outFeatures, bias } = linear;
  if (outFeatures !== scales.length) return undefined;
  const weight = model.weight(linear).map((value, at) => value / scales[at % outFeatures]!);
  const divided = model.withWeight(linear, tensorOf('float32', [inFeatures, outFeatures], weight));
  return bias === undefined ? divided : withDivided(divided, [bias], scales);
}

const FORMS = new Set(['Reshape', 'Transpose', 'Add']);

/**
 * The layer that computes the values of the attention whose mixture is `input`, if each of its outputs becomes one
 * feature of the mixture: a weighted sum over positions scales with what it sums.
 */
function valuesOfAttention(model: Model, input: string): LinearRole | undefined {
  const { layers, heads, keyValueHeads } = model.roles;
  const layer = layers.find(({ o }) => o.input === input);
  if (layer === undefined || heads !== keyValueHeads) return undefined;
  const { graph } = model.onnx;
  const makers = producers(graph);
  const readers = consumers(graph);
  const before = (value: string) => {
    let at = value;
    for (let node = makers.get(at); node !== undefined && FORMS.has(node.op); node = makers.get(at))
      at = node.inputs[0]!;
    return at;
  };
  const mixing = makers.get(before(input));
  if (mixing?.op !== 'MatMul') return undefined;
  const { v } = layer;
  return before(mixing.inputs[1]!) === v.output && (readers.get(v.output) ?? []).length === 1 ? v : undefined;
}

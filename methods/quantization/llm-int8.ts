/**
 * LLM.int8(): 8-bit products, except for the few inputs that are sometimes very large, whose products stay in floating
 * point.
 * Dettmers et al. 2022, https://arxiv.org/abs/2208.07339, equation 8:
 *   x W ≈ x_O W_O + x_R W_R,   O: inputs with |x| ≥ 6 anywhere, R: the others, multiplied as integers with a scale per output
 * Differs from the paper: O is fixed beforehand, by the largest magnitude of each input on calibration data, so that
 * W_O and W_R are stored separately; and x_R has one scale per call, not per position, because ONNX's
 * DynamicQuantizeLinear has no other.
 */
import * as v from 'valibot';
import { inputStatistics } from '../../engine/calibrate/input-statistics.ts';
import { present } from '../../contracts/present.ts';
import { defineMethod } from '../../engine/definitions/method.ts';
import type { LinearRole, Model } from '../../engine/definitions/model.ts';
import { int } from '../../numerics/onnx/attributes.ts';
import { addInitializers, insertNodes, removeDeadCode, replaceNode, withGraph } from '../../numerics/onnx/edit.ts';
import type { Graph } from '../../numerics/onnx/graph.ts';
import { createNode } from '../../numerics/onnx/node.ts';
import { tensorOf } from '../../numerics/tensor/tensor.ts';
import { integerMatMul, quantizeInput, withIntegerMatMuls } from '../shared/formats/dynamic-int8.ts';
import { quantizeInt8 } from '../shared/formats/int8-weight.ts';
import { layersByInput } from '../shared/surgery/input-scales.ts';

export default defineMethod({
  id: 'llm-int8',
  family: 'quantization',
  access: 'calibrated',
  revision: 1,
  description:
    'Multiplies 8-bit integers, like int8-dynamic, but leaves the inputs of a layer that are sometimes very large, and their weights, in floating point, so that the others get a finer grid. ' +
    'Calibration data shows which inputs these are. ' +
    'Norms, token embedding and output layer stay in floating point.',
  paper: {
    title: 'LLM.int8(): 8-bit Matrix Multiplication for Transformers at Scale',
    authors: 'Tim Dettmers, Mike Lewis, Younes Belkada, Luke Zettlemoyer',
    year: 2022,
    url: 'https://arxiv.org/abs/2208.07339',
  },
  licence: 'Apache-2.0',
  params: v.strictObject({
    threshold: v.pipe(
      v.number(),
      v.gtValue(0),
      v.description('Inputs whose size reaches this on calibration data stay in floating point.'),
    ),
  }),
  variants: {
    t6: { threshold: 6 },
    t4: { threshold: 4 },
    t3: { threshold: 3 },
    t12: { threshold: 12 },
    none: { threshold: 1e30 },
  },

  async compress(model, { params: { threshold }, calibration: { examples }, signal, note, progress }) {
    const statistics = await inputStatistics({ model, examples, signal }, ['absolute-maximum']);
    let { graph } = model.onnx;
    const groups = layersByInput(model.linears);
    let split = 0;
    for (const [done, linears] of groups.entries()) {
      signal.throwIfAborted();
      const { role } = present(linears[0], 'a layer of a group');
      const largest = present(statistics.get(role), `statistics of ${role}`).of('absolute-maximum');
      const outliers = [...largest.keys()].filter((input) => (largest[input] ?? 0) >= threshold);
      split += outliers.length;
      graph = outliers.length === 0 ? asIntegers(model, graph, linears) : withOutliers(model, graph, linears, outliers);
      progress((done + 1) / groups.length);
    }
    const inputs = groups.reduce((sum, [linear]) => sum + (linear?.inFeatures ?? 0), 0);
    note(`inputs that stay in floating point: ${split} of ${inputs}`);
    return model.withOnnx(withGraph(model.onnx, removeDeadCode(graph)));
  },
});

/** Int8 weights with one scale per output. */
const format = { granularity: 'channel', reducedRange: false } as const;

function asIntegers(model: Model, graph: Graph, linears: readonly LinearRole[]): Graph {
  const layers = linears.map((linear) => ({
    linear,
    weight: quantizeInt8(model.weight(linear), { ...linear, ...format }),
  }));
  return withIntegerMatMuls(graph, layers);
}

/**
 * The graph with these layers, which read one value, split: two Gathers, the integer product, the float product, and
 * their sum.
 */
function withOutliers(model: Model, graph: Graph, linears: readonly LinearRole[], outliers: readonly number[]): Graph {
  const { input, inFeatures, node: first } = present(linears[0], 'a layer of a group');
  const rest = Array.from({ length: inFeatures }, (_, at) => at).filter((at) => !outliers.includes(at));
  const gather = (name: string, indices: readonly number[]) => ({
    indices: tensorOf('int64', [indices.length], BigInt64Array.from(indices, BigInt)),
    node: createNode({
      op: 'Gather',
      name: `${input}.${name}`,
      inputs: [input, `${input}.${name}_indices`],
      outputs: [`${input}.${name}`],
      attributes: { axis: int(-1) },
    }),
  });
  const [large, small] = [gather('outliers', outliers), gather('rest', rest)];
  let edited = addInitializers(graph, { [`${input}.outliers_indices`]: large.indices });
  edited = insertNodes(edited, [large.node], { before: first });
  if (rest.length > 0) {
    edited = addInitializers(edited, { [`${input}.rest_indices`]: small.indices });
    edited = insertNodes(edited, [small.node, quantizeInput(`${input}.rest`)], { before: first });
  }
  for (const linear of linears) {
    const { node, output, weight, outFeatures } = linear;
    const names = { outliers: `${weight}.outliers`, large: `${output}.large`, small: `${output}.small` };
    const rows = (indices: readonly number[]) => {
      const dense = model.weight(linear);
      return Float32Array.from(indices.flatMap((at) => [...dense.subarray(at * outFeatures, (at + 1) * outFeatures)]));
    };
    edited = addInitializers(edited, {
      [names.outliers]: tensorOf('float32', [outliers.length, outFeatures], rows(outliers)),
    });
    const product = (to: string) =>
      createNode({ op: 'MatMul', name: `${node}.large`, inputs: [`${input}.outliers`, names.outliers], outputs: [to] });
    if (rest.length === 0) {
      edited = replaceNode(edited, node, [product(output)]);
      continue;
    }
    const shape = { inFeatures: rest.length, outFeatures };
    const { codes, scales } = quantizeInt8(rows(rest), { ...shape, ...format });
    const stored = { codes: `${weight}.codes`, scale: `${weight}.scale` };
    edited = addInitializers(edited, {
      [stored.codes]: tensorOf('int8', [rest.length, outFeatures], codes),
      [stored.scale]: tensorOf('float32', [outFeatures], scales),
    });
    edited = replaceNode(edited, node, [
      product(names.large),
      ...integerMatMul({ node, input: `${input}.rest`, output: names.small, ...stored }),
      createNode({ op: 'Add', name: `${node}.sum`, inputs: [names.large, names.small], outputs: [output] }),
    ]);
  }
  return edited;
}

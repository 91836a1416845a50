/**
 * Finds the head of a decoder, the last part, which treats each token separately: the product with the output layer,
 * and what scales or bounds its result. Its inputs are small, and its output has the size of the vocabulary, so it is
 * computed for blocks of tokens.
 */
import { present } from '../../contracts/present.ts';
import type { Graph, Node } from '../../numerics/onnx/graph.ts';
import { producers, usedNames } from '../../numerics/onnx/names.ts';

export interface HeadInputs {
  /** Values [batch, sequence, features] that the head reads, to be divided into blocks of tokens. */
  readonly rows: readonly string[];
  /** Scalars of the whole run that the head reads: scales and zero points of activations. */
  readonly wholes: readonly string[];
}

/** Cut at the logits themselves: the head is empty. */
export const LOGITS_ONLY: HeadInputs = { rows: ['logits'], wholes: [] };

/**
 * Operators whose output rows depend only on the same rows of the left operand, if the other operands are constants.
 */
const PRODUCTS = new Set(['MatMul', 'MatMulInteger', 'MatMulNBits']);

const ELEMENTWISE = new Set(['Add', 'Sub', 'Mul', 'Div', 'Neg', 'Tanh', 'Cast', 'Identity']);

/**
 * Rounding by constants is part of a quantized product: onnxruntime fuses both, and the head must run the same kernel.
 */
const ROUNDING = new Set(['QuantizeLinear', 'DequantizeLinear']);

type Kind = 'constant' | 'rows' | 'whole';

/**
 * The inputs of a decoder's head, found backwards from `logits`. Operators that are not known to treat tokens
 * separately are not part of the head. The caller checks that the values have the stated shapes.
 */
export function findHeadInputs(graph: Graph): HeadInputs {
  const madeBy = producers(graph);
  const dynamic = dynamicValues(graph);
  const rows = new Set<string>();
  const wholes = new Set<string>();

  function enter(name: string, kind: 'rows' | 'whole'): Kind {
    (kind === 'rows' ? rows : wholes).add(name);
    return kind;
  }
  function kindOf(name: string): Kind {
    if (!dynamic.has(name)) return 'constant';
    const node = madeBy.get(name);
    if (node === undefined) return enter(name, 'rows');
    if (PRODUCTS.has(node.op) && hasConstantWeight(node)) return kindOfProduct(node);
    if (node.op === 'DynamicQuantizeLinear') return enter(name, node.outputs[0] === name ? 'rows' : 'whole');
    if (!ELEMENTWISE.has(node.op)) return enter(name, 'rows');
    const kinds = new Set(operandsOf(node).map(kindOf));
    return kinds.has('rows') ? 'rows' : 'whole';
  }
  function kindOfProduct(node: Node): Kind {
    const [left, , ...others] = node.inputs;
    beforeRounding(present(left, `left operand of ${node.name}`));
    for (const other of others) if (other !== '') kindOf(other);
    return 'rows';
  }
  function beforeRounding(name: string): void {
    const node = madeBy.get(name);
    const [source, ...parameters] = node === undefined ? [] : operandsOf(node);
    if (node?.op === 'DynamicQuantizeLinear') kindOf(name);
    else if (node && source && ROUNDING.has(node.op) && !parameters.some((each) => dynamic.has(each))) {
      beforeRounding(source);
    } else enter(name, 'rows');
  }
  const hasConstantWeight = ({ inputs: [, weight = ''] }: Node): boolean => !dynamic.has(weight);

  kindOf('logits');
  return { rows: [...rows], wholes: [...wholes] };
}

const operandsOf = ({ inputs }: Node): readonly string[] => inputs.filter((name) => name !== '');

/** Values that depend on an input of the graph. */
function dynamicValues(graph: Graph): ReadonlySet<string> {
  const dynamic = new Set(graph.inputs.map(({ name }) => name).filter((name) => !graph.initializers.has(name)));
  for (const node of graph.nodes) {
    if ([...usedNames(node)].some((name) => dynamic.has(name))) for (const output of node.outputs) dynamic.add(output);
  }
  dynamic.delete('');
  return dynamic;
}

/**
 * https://onnx.ai/onnx/operators/onnx__Einsum.html — y = einsum('ab,bc->ac', x₀, x₁, …)
 *   dx_i = einsum('<y>,<the others>-><x_i>', dy, the others)
 * An index that only x_i has was summed over: the gradient is constant along it and broadcasts.
 */
import { present } from '../../../contracts/present.ts';
import { type BackwardRule, defineRule, type ForwardNode } from '../rule.ts';

const ELLIPSIS = '...';
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

interface Equation {
  readonly terms: readonly string[];
  readonly result: string;
}

/**
 * The equation with a letter for every axis: axes of an ellipsis are counted from its right, and the result is
 * explicit.
 */
function spellOut(node: ForwardNode): Equation {
  const equation = node.text('equation').replaceAll(' ', '');
  const [left = '', right] = equation.split('->');
  const terms = left.split(',');
  const free = [...LETTERS].filter((letter) => !equation.includes(letter));
  const hidden = terms.map((term, index) =>
    term.includes(ELLIPSIS) ? node.dims(index).length - term.replace(ELLIPSIS, '').length : 0,
  );
  const batch = free.slice(0, Math.max(...hidden, 0));
  const letters = left.replaceAll(/[.,]/g, '');
  const once = [...new Set(letters)].filter((letter) => letters.split(letter).length === 2).sort();
  const result = right ?? (left.includes(ELLIPSIS) ? ELLIPSIS : '') + once.join('');
  return {
    terms: terms.map((term, index) =>
      term.replace(ELLIPSIS, batch.slice(batch.length - present(hidden[index], 'hidden[index]')).join('')),
    ),
    result: result.replace(ELLIPSIS, batch.join('')),
  };
}

export const einsum: readonly BackwardRule[] = [
  defineRule({
    op: 'Einsum',
    since: 12,
    backward(b, node, dy) {
      const { terms, result } = spellOut(node);
      const repeated = [...terms, result].find((term) => new Set(term).size !== term.length);
      if (repeated !== undefined) return node.unsupported(`the diagonal in term ${repeated} has no gradient here`);
      return terms.map((term, index) => {
        if (!node.wants(index)) return null;
        const others = terms.flatMap((other, at) => (at === index ? [] : [{ term: other, value: node.input(at) }]));
        const seen = [result, ...others.map((other) => other.term)].join('');
        const kept = [...term].filter((letter) => seen.includes(letter)).join('');
        const equation = `${[result, ...others.map((other) => other.term)].join(',')}->${kept}`;
        const gradient = b.einsum(equation, [dy, ...others.map((other) => other.value)]);
        if (kept === term) return gradient;
        const lengths = b.dims(gradient);
        let next = 0;
        return b.reshapeTo(
          gradient,
          [...term].map((letter) => (kept.includes(letter) ? present(lengths[next++], 'lengths[next++]') : 1)),
        );
      });
    },
  }),
];

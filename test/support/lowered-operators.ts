/** One graph for each operator that engine/training/lower-for-device.ts writes in others, with what it is fed. */
import { int, string } from '../../numerics/onnx/attributes.ts';
import { createGraphBuilder, type GraphBuilder } from '../../numerics/onnx/builder.ts';
import type { OnnxModel } from '../../numerics/onnx/graph.ts';
import { createRandom } from '../../numerics/tensor/random.ts';
import { elementCount, type NumericTensor, tensorOf } from '../../numerics/tensor/tensor.ts';

export interface LoweredOperator {
  readonly op: string;
  readonly model: OnnxModel;
  readonly feeds: Readonly<Record<string, NumericTensor>>;
}

const random = createRandom('lowered operators');
const floats = (dims: readonly number[], scale = 3): NumericTensor =>
  tensorOf(
    'float32',
    dims,
    Float32Array.from({ length: elementCount(dims) }, () => scale * random.normal()),
  );

/** `write` makes the outputs of shapes `outputs` out of the inputs. */
function operator(
  op: string,
  feeds: Readonly<Record<string, NumericTensor>>,
  outputs: readonly (readonly number[])[],
  write: (b: GraphBuilder, inputs: readonly string[]) => readonly string[],
): LoweredOperator {
  const b = createGraphBuilder({ name: op, opset: 21 });
  const inputs = Object.entries(feeds).map(([name, { dtype, dims }]) => b.input(name, dtype, dims));
  for (const [index, value] of write(b, inputs).entries())
    b.output(value, { dtype: 'float32', dims: outputs[index] as readonly number[] });
  return { op, model: b.build(), feeds };
}

/** Halves, where rounding has a choice, their neighbours, and numbers beyond which all are whole. */
const HALVES = [-3.5, -2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.5, 0.49999997, -0.49999997, 0.50000006, -0.50000006];
const LARGE = [2 ** 22 + 0.5, 2 ** 22 + 1.5, -(2 ** 22) - 0.5, 2 ** 23 - 0.5, 2 ** 23 + 1, -(2 ** 24), 3e9, 0, 1e-20];

export function loweredOperators(): readonly LoweredOperator[] {
  const numbers = [...HALVES, ...LARGE, ...Array.from({ length: 43 }, () => 4 * random.normal())];
  const line = { x: tensorOf('float32', [numbers.length], Float32Array.from(numbers)) };
  const terms = Object.fromEntries([[3, 4], [4], [3, 1], [1]].map((dims, at) => [`x${at}`, floats(dims)]));
  const labels = tensorOf(
    'int64',
    [5],
    BigInt64Array.from({ length: 5 }, () => BigInt(random.integer(9))),
  );
  const sizes = [1, 3, 2, 1, 4, 1, 1, 2, 1, 1, 1, 2];
  return [
    operator('LogSoftmax', { x: floats([4, 9], 30) }, [[4, 9]], (b, [x = '']) => [b.logSoftmax(x, { axis: -1 })]),
    operator('Sum', terms, [[3, 4]], (b, values) => [b.sum(values)]),
    operator('Round', line, [[numbers.length]], (b, [x = '']) => [b.round(x)]),
    operator('Sign', line, [[numbers.length]], (b, [x = '']) => [b.sign(x)]),
    operator('SoftmaxCrossEntropyLoss', { x: floats([5, 9], 30), labels }, [[5], [5, 9]], (b, inputs) =>
      b.node('SoftmaxCrossEntropyLoss', inputs, {
        outputs: ['loss', 'logarithms'],
        attributes: { reduction: string('none') },
      }),
    ),
    operator(
      'Split',
      { x: floats([2, 20]) },
      sizes.map((size) => [2, size]),
      (b, [x = '']) =>
        b.node('Split', [x, b.integers(sizes)], {
          outputs: sizes.map((_, at) => `part${at}`),
          attributes: { axis: int(1) },
        }),
    ),
  ];
}

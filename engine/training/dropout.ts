/**
 * Dropout with masks that are a function of seed, batch and place. Srivastava et al. 2014, https://jmlr.org/papers/v15/srivastava14a.html
 * An element's fate is read off the middle bits of r c, with a random 31-bit number r for its row (all axes but the last)
 * and c for its column: fates are independent in pairs, and a few thousand numbers per batch come from JavaScript
 * instead of one per element.
 */
import { InputError } from '../../contracts/errors.ts';
import type { OnnxModel } from '../../numerics/onnx/graph.ts';
import { inferShapes } from '../../numerics/onnx/shapes.ts';
import { createRandom } from '../../numerics/tensor/random.ts';
import { tensorOf } from '../../numerics/tensor/tensor.ts';
import type { FeedSource } from './feed-source.ts';
import { extendModel } from './graph-writer.ts';

const LOW_BIT = 2n ** 20n;
const MIDDLE_BITS = 22;

export interface DropoutOptions {
  readonly model: OnnxModel;
  /** Values of the graph that lose elements: outputs of attention and feed-forward before they join the residual, say. */
  readonly values: readonly string[];
  /** Share of elements set to zero, rounded to 2⁻²²; the others are divided by 1 - probability. */
  readonly probability: number;
  readonly seed: string | number;
  /** Concrete shapes of the model's inputs. */
  readonly inputs: Readonly<Record<string, readonly number[]>>;
}

/** The model to train in place of `model`, and what it needs fed. Weights go back into the model without dropout. */
export function addDropout(options: DropoutOptions): { readonly model: OnnxModel; readonly feeds: FeedSource } {
  const { model, values, probability, seed, inputs } = options;
  if (!(probability >= 0 && probability < 1)) {
    throw new InputError(`dropout: probability must lie in [0, 1), got ${probability}`);
  }
  const known = Object.fromEntries(
    model.graph.inputs.flatMap(({ name }) => (inputs[name] === undefined ? [] : [[name, inputs[name]]])),
  );
  const shapes = inferShapes(model, { inputs: known });
  const w = extendModel(model, 'dropout/');
  const bits = w.initializer(
    'dropout/bits',
    tensorOf('int64', [], BigInt64Array.of((2n ** BigInt(MIDDLE_BITS) - 1n) * LOW_BIT)),
  );
  const threshold = w.initializer(
    'dropout/threshold',
    tensorOf('int64', [], BigInt64Array.of(BigInt(Math.round(probability * 2 ** MIDDLE_BITS)) * LOW_BIT)),
  );
  const sources: Record<string, readonly number[]> = {};
  for (const value of values) {
    const dims = shapes.get(value)?.dims;
    if (dims === undefined || dims.length === 0)
      throw new InputError(`dropout: graph "${model.graph.name}" has no value "${value}" with axes`);
    const rowDims = [...dims.slice(0, -1), 1];
    w.wrap(value, (inner) => {
      const rows = w.input(`dropout/rows/${value}`, 'int64', rowDims);
      const columns = w.input(`dropout/columns/${value}`, 'int64', [dims.at(-1) as number]);
      sources[rows] = rowDims;
      sources[columns] = [dims.at(-1) as number];
      const drawn = w.node('BitwiseAnd', [w.mul(rows, columns), bits])[0] as string;
      const factor = w.where(w.less(drawn, threshold), w.scalar(0), w.scalar(1 / (1 - probability)));
      return w.mul(inner, factor);
    });
  }
  return {
    model: w.finish(),
    feeds: {
      shapes: sources,
      at: (index) =>
        Object.fromEntries(
          Object.entries(sources).map(([name, dims]) => {
            const random = createRandom(`${seed}/${name}/${index}`);
            const count = dims.reduce((product, dim) => product * dim, 1);
            // Odd, so that no factor of two leaves the middle of the product empty.
            const draw = () => BigInt(2 * random.integer(2 ** 30) + 1);
            return [name, tensorOf('int64', dims, BigInt64Array.from({ length: count }, draw))];
          }),
        ),
    },
  };
}

/**
 * Tensor trains: stores the matrices of the feed-forward layers and the token embedding as chains of small cores.
 * Novikov et al. 2015, https://arxiv.org/abs/1509.06569 (layers); Khrulkov et al. 2019,
 * https://arxiv.org/abs/1901.10787 (embeddings). The algorithm is in methods/shared/solvers/tensor-train.ts.
 * Differs from both: the cores are computed from the trained matrices by TT-SVD and not trained.
 * `input` multiplies activations by one core after the other, as in the papers. On the CPU this is slower than the
 * dense matrix product except for single tokens in wide layers: it does many small products and, at these ranks, often
 * more multiplications.
 * `weights` multiplies the cores out when the file is loaded: speed and memory are those of the dense model.
 */
import * as v from 'valibot';
import { InputError } from '../../contracts/errors.ts';
import { defineMethod } from '../../engine/definitions/method.ts';
import type { Model } from '../../engine/definitions/model.ts';
import { findNode, removeDeadCode, withGraph } from '../../numerics/onnx/edit.ts';
import { elements } from '../../numerics/tensor/tensor.ts';
import { extendModel, type GraphWriter } from '../../engine/training/graph-writer.ts';
import { foldIdentities } from '../../engine/training/prepare-graph.ts';
import { keepParameter } from '../shared/solvers/low-rank.ts';
import {
  type CoreValues,
  foldingOf,
  multipliedOut,
  rankBoundFor,
  rowsFromCores,
  tensorTrain,
  timesCores,
  transposedCores,
  writeCores,
} from '../shared/solvers/tensor-train.ts';
import { tiedLogits } from '../shared/formats/tied-logits.ts';
import { present } from '../../contracts/present.ts';

type Contraction = 'input' | 'weights';

export default defineMethod({
  id: 'tensor-train',
  family: 'low-rank',
  access: 'data-free',
  revision: 2,
  description:
    'Folds the token embedding and the feed-forward matrices into tensors of many short axes and stores each as a chain of small cores. ' +
    'The file shrinks, but not always the computation: tokens pass through the cores one after the other, or the cores are multiplied out when the model is loaded. ' +
    'Attention, norms and an output layer of its own stay as they are.',
  paper: {
    title: 'Tensorizing Neural Networks',
    authors: 'Alexander Novikov, Dmitry Podoprikhin, Anton Osokin, Dmitry Vetrov',
    year: 2015,
    url: 'https://arxiv.org/abs/1509.06569',
  },
  licence: 'Apache-2.0',
  params: v.strictObject({
    keep: v.pipe(keepParameter, v.description('Share of the parameters of each matrix that its cores may take.')),
    cores: v.optional(
      v.pipe(v.number(), v.integer(), v.minValue(2), v.maxValue(4), v.description('Cores per matrix.')),
      2,
    ),
    scope: v.optional(
      v.pipe(v.picklist(['both', 'embedding', 'feed-forward']), v.description('Which matrices become cores.')),
      'both',
    ),
    multiply: v.optional(
      v.pipe(
        v.picklist(['input', 'weights']),
        v.description('Cores are applied to each token, or multiplied out when the model is loaded.'),
      ),
      'input',
    ),
  }),
  variants: {
    p75: { keep: 0.75 },
    p50: { keep: 0.5 },
    p25: { keep: 0.25 },
    p10: { keep: 0.1 },
    'p50-c3': { keep: 0.5, cores: 3 },
    'p25-c3': { keep: 0.25, cores: 3 },
    'p50-embedding': { keep: 0.5, scope: 'embedding' },
    'p50-feed-forward': { keep: 0.5, scope: 'feed-forward' },
    'p50-weights': { keep: 0.5, multiply: 'weights' },
  },

  async compress(model, { params, signal, note, progress }) {
    const { keep, cores, scope, multiply } = params;
    const feedForward = model.roles.layers.flatMap(({ gate, up, down }) => (gate ? [gate, up, down] : [up, down]));
    const linears = scope === 'embedding' ? [] : feedForward;
    const w = extendModel(model.onnx, 'tensor_train/');
    const dense: string[] = [];
    const train = async (name: string): Promise<CoreValues | undefined> => {
      signal.throwIfAborted();
      const tensor = w.tensor(name);
      const [rows, columns] = tensor.dims as [number, number];
      const folding = foldingOf(rows, columns, cores);
      const bound = rankBoundFor(folding, keep);
      if (bound !== undefined)
        return writeCores(w, name, await tensorTrain(elements(tensor, 'float32'), folding, bound));
      dense.push(name);
      return undefined;
    };
    if (scope !== 'feed-forward') {
      const values = await train(model.roles.embedding.weight);
      if (values) replaceEmbedding(w, model, { values, multiply });
    }
    for (const [index, { weight, input, output }] of linears.entries()) {
      const values = await train(weight);
      if (values) w.wrap(output, () => product(w, input, { values, multiply }));
      progress((index + 1) / linears.length);
    }
    if (dense.length > 0) note(`left dense, since even rank 1 takes more: ${dense.join(', ')}`);
    const { graph } = w.finish();
    return model.withOnnx(withGraph(model.onnx, foldIdentities(removeDeadCode(graph))));
  },
});

interface Stored {
  readonly values: CoreValues;
  readonly multiply: Contraction;
}

function product(w: GraphWriter, x: string, { values, multiply }: Stored): string {
  return multiply === 'input' ? timesCores(w, x, values) : w.matmul(x, multipliedOut(w, values));
}

/** Token look-up and, where the output layer is the transposed embedding, logits, from the same cores. */
function replaceEmbedding(w: GraphWriter, model: Model, { values, multiply }: Stored): void {
  const { weight, node: lookup } = model.roles.embedding;
  const { graph } = model.onnx;
  const gather = findNode(graph, lookup);
  const [table, ids] = gather.inputs as [string, string];
  if (gather.op !== 'Gather' || table !== weight) {
    throw new InputError(
      `${model.id}: node "${lookup}" is a ${gather.op} of "${table}", expected a Gather of "${weight}"`,
    );
  }
  const matrix = multiply === 'weights' ? multipliedOut(w, values) : undefined;
  w.wrap(present(gather.outputs[0], 'the output of the embedding'), () =>
    matrix ? w.gather(matrix, ids) : rowsFromCores(w, ids, values),
  );
  const others = graph.nodes.filter((node) => node.inputs.includes(weight) && node !== gather);
  for (const logits of others.flatMap((reader) => tiedLogits(model, reader))) {
    const [x] = logits.inputs as [string];
    w.wrap(present(logits.outputs[0], 'the output of the head'), () =>
      matrix ? w.matmul(x, w.transpose(matrix, [1, 0])) : timesCores(w, x, transposedCores(w, values)),
    );
  }
}

/**
 * A smaller dense model trained in the same way. A compressed large model should be better than it, since it needs no
 * compression.
 * Li et al. 2020, "Train Large, Then Compress", https://arxiv.org/abs/2002.11794, compares the two at equal size.
 */
import * as v from 'valibot';
import { UnsupportedError } from '../../contracts/errors.ts';
import { defineMethod } from '../../engine/definitions/method.ts';

export default defineMethod({
  id: 'smaller-dense',
  family: 'control',
  access: 'data-free',
  revision: 2,
  control: true,
  description:
    'A smaller model of the same kind, trained from scratch on the same data for as many steps, and not compressed. ' +
    'A compressed model should be better than this one at the same size; otherwise training the smaller model is the better choice.',
  paper: {
    title: 'Train Large, Then Compress: Rethinking Model Size for Efficient Training and Inference of Transformers',
    authors: 'Zhuohan Li, Eric Wallace, Sheng Shen, Kevin Lin, Kurt Keutzer, Dan Klein, Joseph E. Gonzalez',
    year: 2020,
    url: 'https://arxiv.org/abs/2002.11794',
  },
  licence: 'Apache-2.0',
  params: v.strictObject({}),
  variants: { fp32: { floats: 'float32' }, fp16: {} },

  compress(model, { smaller, signal, note }) {
    signal.throwIfAborted();
    if (smaller === undefined) {
      throw new UnsupportedError(
        `${model.id}: no smaller dense model was trained beside it, so there is none to return`,
      );
    }
    note(`${smaller.id}: its training is not in the cost, as dense's is not`);
    return smaller;
  },
});

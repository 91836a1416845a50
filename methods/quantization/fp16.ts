/**
 * Half-precision storage of the dense model, the default storage of the weights of every artifact
 * (engine/model/finish-model.ts).
 * Format of Micikevicius et al. 2018, https://arxiv.org/abs/1710.03740.
 */
import * as v from 'valibot';
import { defineMethod } from '../../engine/definitions/method.ts';

export default defineMethod({
  id: 'fp16',
  family: 'quantization',
  access: 'data-free',
  revision: 2,
  description:
    'Stores every weight and bias, embedding included, in 16 instead of 32 bits and converts it back when the model is loaded. ' +
    'The file has half the size. Speed and memory are those of the dense model, since the CPU computes in 32 bits.',
  paper: {
    title: 'Mixed Precision Training',
    authors:
      'Paulius Micikevicius, Sharan Narang, Jonah Alben, Gregory Diamos, Erich Elsen, David Garcia, Boris Ginsburg, Michael Houston, Oleksii Kuchaiev, Ganesh Venkatesh, Hao Wu',
    year: 2018,
    url: 'https://arxiv.org/abs/1710.03740',
  },
  licence: 'Apache-2.0',
  params: v.strictObject({}),
  variants: { w16: {} },

  compress(model, { signal }) {
    signal.throwIfAborted();
    return model;
  },
});

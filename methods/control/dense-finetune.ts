/**
 * The control for every trained method: the dense model, trained on the same batches for as many tokens at the same
 * learning rate, without compression. The loss of quality of a trained method is due to compression only where this
 * control loses nothing.
 * Blalock et al. 2020, https://arxiv.org/abs/2003.03033, section 4.5, ask that a compressed model and its base be
 * trained alike.
 */
import * as v from 'valibot';
import { defineMethod } from '../../engine/definitions/method.ts';
import { withParameters } from '../../engine/training/parameters.ts';
import { SEARCHED_RATES } from '../../engine/training/searched-rates.ts';
import { budgetParameters, fineTune } from '../shared/training/fine-tune.ts';
import { ladder } from '../shared/training/ladder.ts';

const { learningRate, tokens, batch } = budgetParameters;
const AT_EACH_RATE = Object.fromEntries(SEARCHED_RATES.map((rate) => [`r${rate.toExponential()}`, { rate }]));

export default defineMethod({
  id: 'dense-finetune',
  family: 'control',
  access: 'trained',
  revision: 1,
  control: true,
  description:
    'Trains the uncompressed model on the data that trained methods get, at each learning rate that they may have. ' +
    'It shows what the training itself does to the model: a trained method is compared with it at the same budget and rate.',
  paper: {
    title: 'What is the State of Neural Network Pruning?',
    authors: 'Davis Blalock, Jose Javier Gonzalez Ortiz, Jonathan Frankle, John Guttag',
    year: 2020,
    url: 'https://arxiv.org/abs/2003.03033',
  },
  licence: 'Apache-2.0',
  params: v.strictObject({ rate: learningRate, tokens, batch }),
  variants: ladder(AT_EACH_RATE, ['t100k', 't1m', 't10m', 't30m']),

  async compress(model, context) {
    const { rate, ...params } = context.params;
    const { parameters } = await fineTune(
      { ...context, params: { ...params, learningRate: rate } },
      { model, onnx: model.onnx },
    );
    return model.withOnnx(withParameters(model.onnx, parameters));
  },
});

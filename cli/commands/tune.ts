/** `shrinkrank tune`: searches for learning rates on validation splits and writes them to methods/learning-rates.json. */
import Table from 'cli-table3';
import { UnsupportedError } from '../../contracts/errors.ts';
import { formatSeconds } from '../../contracts/words/figures.ts';
import { hasLearningRate, rateOf, readLearningRates, writeLearningRates } from '../../harness/plan/learning-rates.ts';
import { createCommand } from '../setup/command.ts';
import { interruptible } from '../setup/interruptible.ts';
import { EXIT_CODES, print, remark } from '../setup/output.ts';
import { LEARNING_RATES, findModel, findVariants, splitList } from '../setup/registry.ts';
import { searchRate } from '../setup/search-rate.ts';
import { openValidation } from '../setup/validation.ts';

export default createCommand({
  name: 'tune',
  description:
    'Search for the learning rate of methods that train: five rates at a tenth of the budget each, on the validation split. ' +
    'What was found for the present revision of a method is not searched for again.',
  examples: [
    { line: 'tune qat --models tinyworld-gpt', does: 'Every variant of one method.' },
    {
      line: 'tune qat/w2g32-t1m,logit-kd/d50-t1m --models tinyworld-gpt,stories260k',
      does: 'Two variants on two models.',
    },
  ],
  args: {
    methods: { type: 'positional', description: 'Methods, variants or families, separated by commas', required: true },
    models: { type: 'string', description: 'Registered models, separated by commas', default: 'tinyworld-gpt' },
    again: { type: 'boolean', description: 'Search again for what was found already', default: false },
  },
  async run({ args }) {
    const chosen = findVariants(splitList('methods', args.methods)).filter(({ registration }) =>
      hasLearningRate(registration.method),
    );
    const models = splitList('models', args.models).map((id) => findModel(id).id);
    const table = new Table({
      style: { head: [], border: [] },
      head: ['model', 'variant', 'rate', 'validation loss by rate', 'processor time'],
    });
    await interruptible(async (signal) => {
      for (const model of models) {
        const validation = await openValidation(model, { seed: 0, signal, remark: () => {} });
        for (const { registration, variant } of chosen) {
          const { method } = registration;
          const name = `${method.id}/${variant}`;
          const rates = readLearningRates(LEARNING_RATES);
          if (!args.again && rateOf(rates, { method, variant, model }) !== undefined) continue;
          try {
            const found = await searchRate(validation, { method, variant });
            const known = readLearningRates(LEARNING_RATES);
            writeLearningRates(LEARNING_RATES, { ...known, [model]: { ...known[model], [name]: found } });
            const losses = Object.entries(found.losses).map(
              ([rate, loss]) => `${rate}: ${loss?.toFixed(4) ?? 'diverged'}`,
            );
            table.push([
              model,
              name,
              found.learningRate.toExponential(),
              losses.join(', '),
              formatSeconds(found.cpuSeconds),
            ]);
            remark(`${model} ${name}: ${found.learningRate.toExponential()} (${losses.join(', ')})`);
          } catch (error) {
            if (!(error instanceof UnsupportedError)) throw error;
            remark(`${model} ${name}: refused: ${error.message}`);
          }
        }
      }
    });
    print(table.toString());
    return EXIT_CODES.done;
  },
});

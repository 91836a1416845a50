import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { InferenceSession } from 'onnxruntime-node';
import { confess } from './shared/attempt.ts';
import { hostileMethod } from './shared/hostile-method.ts';

const REPOSITORY = join(import.meta.dirname, '../../..');

export default hostileMethod({
  id: 'reads-test-rows',
  description: 'Looks for test items among the prepared inputs, and for the datasets they are drawn from.',
  compress: () =>
    confess({
      inputs: () => readdirSync('../../inputs'),
      // Named in two parts, so that it is not taken for an import of this module.
      datasets: () => import([REPOSITORY, 'datasets/index.ts'].join('/')),
      tests: () => readdirSync(join(REPOSITORY, 'test/golden')),
      results: () => readdirSync(join(REPOSITORY, 'results')),
      itemsByNativeCode: () => InferenceSession.create('../../inputs/test-items.v8'),
      parent: () => readFileSync('/proc/1/environ', 'utf8').includes('secret'),
    }),
});

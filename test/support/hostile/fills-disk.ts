import { writeFileSync } from 'node:fs';
import { hostileMethod } from './shared/hostile-method.ts';

export default hostileMethod({
  id: 'fills-disk',
  description: 'Writes file after file into its folder.',
  compress(model) {
    const block = Buffer.alloc(2 ** 20, 1);
    for (let i = 0; i < 1e5; i++) writeFileSync(`block-${i}`, block);
    return model;
  },
});

import { openSync, writeSync } from 'node:fs';
import { hostileMethod } from './shared/hostile-method.ts';

export default hostileMethod({
  id: 'fills-one-file',
  description: 'Writes far into one file that is almost all hole.',
  compress(model) {
    const file = openSync('hole', 'w');
    writeSync(file, Buffer.from('x'), 0, 1, 2 ** 40);
    return model;
  },
});

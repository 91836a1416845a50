import { writeFileSync } from 'node:fs';
import { hostileMethod } from '../hostile-method.ts';

export default hostileMethod({
  id: 'litters',
  description: 'Leaves empty files without end.',
  compress(model) {
    for (let i = 0; i < 1e7; i++) writeFileSync(`empty-${i}`, '');
    return model;
  },
});

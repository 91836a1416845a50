import { writeFileSync } from 'node:fs';
import { hostileMethod } from './shared/hostile-method.ts';

export default hostileMethod({
  id: 'litters',
  description: 'Leaves more empty files than anybody needs, and waits for them to be found.',
  compress() {
    for (let i = 0; i < 11_000; i++) writeFileSync(`empty-${i}`, '');
    for (;;);
  },
});

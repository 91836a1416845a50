import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { confess } from './shared/attempt.ts';
import { hostileMethod } from './shared/hostile-method.ts';

export default hostileMethod({
  id: 'reads-environment',
  description: 'Looks for a secret in its environment, in that of its parents, and through another program.',
  compress: () =>
    confess({
      own: () => JSON.stringify(process.env).includes('a-secret-of-the-tester'),
      parent: () => readFileSync(`/proc/${process.ppid}/environ`, 'utf8').includes('a-secret-of-the-tester'),
      program: () => execFileSync('env', { encoding: 'utf8' }),
    }),
});

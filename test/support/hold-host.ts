/** A process that holds a host lock until its standard input ends, and says when it has it. */
import { type Company, openHostLock } from '../../harness/fleet/host-lock.ts';

const [folder = '', company = 'alone'] = process.argv.slice(2);
await openHostLock(folder).hold(company as Company, async () => {
  process.stdout.write('holding\n');
  process.stdin.resume();
  await new Promise((resolve) => process.stdin.once('end', resolve));
});

/** The fresh process of measureResidentMemory(): prints the growth as JSON. */
import { growthByLoading, type ResidentMemoryTask } from './resident-memory.ts';

console.log(JSON.stringify(await growthByLoading(JSON.parse(process.argv[2] ?? '') as ResidentMemoryTask)));
// A session of a device may leave threads that would keep this process.
process.exit(0);

/** The fresh process of measureResidentMemory(): prints the growth as JSON. */
import { growthByLoading, type ResidentMemoryTask } from './resident-memory.ts';

console.log(JSON.stringify(await growthByLoading(JSON.parse(process.argv[2] ?? '') as ResidentMemoryTask)));
// Device sessions may leave threads that keep the process alive.
process.exit(0);

/** The fresh process of measureResidentMemory(): prints the growth in bytes. */
import { growthByLoading, type ResidentMemoryTask } from './resident-memory.ts';

console.log(await growthByLoading(JSON.parse(process.argv[2] ?? '') as ResidentMemoryTask));

/** Ends this process when its parent dies. A thread watches, since the main thread may be busy. */
import { Worker } from 'node:worker_threads';

/** Environment variable that holds the parent's process id: the parent may die before the child asks for it. */
export const PARENT_VARIABLE = 'SHRINKRANK_PARENT';
const WATCH_INTERVAL_MS = 100;

export function watchParent(): void {
  const parent = Number(process.env[PARENT_VARIABLE] ?? process.ppid);
  const source = `
    const endWhenAlone = () => { if (process.ppid !== ${parent}) process.kill(process.pid, 'SIGKILL'); };
    endWhenAlone();
    setInterval(endWhenAlone, ${WATCH_INTERVAL_MS});
  `;
  new Worker(source, { eval: true, stdin: false }).unref();
}

/** Ends this process when the one that started it dies, by whatever death: a thread looks, since the main one may loop. */
import { Worker } from 'node:worker_threads';

/** Environment variable with the parent's process id: a parent may be dead before its child can ask who it is. */
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

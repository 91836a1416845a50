/** Ends this process when the one that started it dies, by whatever death: a thread looks, since the main one may loop. */
import { Worker } from 'node:worker_threads';

const WATCH_INTERVAL_MS = 100;

export function watchParent(): void {
  const source = `
    const parent = ${process.ppid};
    setInterval(() => { if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL'); }, ${WATCH_INTERVAL_MS});
  `;
  new Worker(source, { eval: true, stdin: false }).unref();
}

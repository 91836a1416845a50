/**
 * Steps whose batches differ in shape: each kind of batch has its own step graph, and all share one state on the host.
 */
import { present } from '../../contracts/present.ts';
import type { StepRunner } from './step-runner.ts';

/** `kindAt`: the kind of a step's batch. All steps of one call are of the same kind. */
export async function createStepsByKind({
  kindAt,
  create,
}: {
  kindAt(step: number): number;
  create(kind: number): Promise<StepRunner>;
}): Promise<StepRunner> {
  const first = await create(0);
  const runners = new Map([[0, first]]);
  let current = first;
  return {
    async run(span) {
      const kind = kindAt(span.step);
      if (!runners.has(kind)) runners.set(kind, await create(kind));
      current = present(runners.get(kind), `the steps of kind ${kind}`);
      return current.run(span);
    },
    accept: () => current.accept(),
    read: () => current.read(),
    write: () => current.write(),
    endProfiling: () => current.endProfiling(),
    async release() {
      for (const runner of runners.values()) await runner.release();
    },
  };
}

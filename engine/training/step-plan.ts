/** The parts of a training's steps: the graph, its state, the source of its inputs, and the provider. */
import type { Provider } from '../../contracts/runner.ts';
import type { FeedSource } from './feed-source.ts';
import type { Optimizer } from './optimizer.ts';
import type { Schedule } from './schedule.ts';
import type { StepGraph } from './step-graph.ts';
import type { StateMemory } from './training-state.ts';

export interface StepPlan {
  readonly graph: StepGraph;
  readonly memory: StateMemory;
  readonly feeds: readonly FeedSource[];
  readonly accumulation: number;
  readonly schedule: Schedule;
  readonly optimizer: Optimizer;
  readonly provider: Provider;
  readonly threads?: number;
  readonly profilePrefix?: string;
}

/** `shrinkrank run`: a suite, or chosen methods × models × tasks. What the store already holds is not done again. */
import { createCommand } from '../setup/command.ts';
import { InputError } from '../../contracts/errors.ts';
import type { ModelDefinition } from '../../engine/definitions/model.ts';
import type { Limits } from '../../harness/plan/bench.ts';
import type { SuiteEntry } from '../../harness/plan/plan.ts';
import { kindFor } from '../../engine/model/encode-row.ts';
import { printBoards } from './board.ts';
import { outputColumns, wrapParts } from '../setup/columns.ts';
import { plural } from '../../contracts/words/figures.ts';
import { homeOf, homeOption, jsonOption } from '../setup/home.ts';
import { EXIT_CODES, print, printJson, remark } from '../setup/output.ts';
import { createRunProgress } from '../render/progress.ts';
import { defaultPlace } from '../setup/default-place.ts';
import { type OpenModelOptions, openModel } from '../setup/open-model.ts';
import {
  findById,
  findDataset,
  findTask,
  findVariants,
  splitList,
  type VariantRegistration,
} from '../setup/registry.ts';
import { DEFAULT_CONTEXT_LIMIT, LARGEST_CONTEXT_LIMIT } from '../../models/shared/transformers-definition.ts';
import { redisOption, redisUrlOf } from '../setup/fleet-options.ts';
import { createHubClient } from '../../engine/hub/hub-client.ts';
import { readyEntries } from '../setup/ready-entries.ts';
import { requireKnownToWorkers } from '../setup/require-known-to-workers.ts';
import { interruptible } from '../setup/interruptible.ts';
import { providerOf, runnerOption } from '../setup/runner-here.ts';
import { type RunSuiteRequest, type RunSummary, runSuite, withoutPlan } from '../setup/run-suite.ts';
import { policyOf, sandboxOption } from '../setup/sandbox-option.ts';
import { NIGHT_LIMITS, type Suite, suites } from '../setup/suites.ts';

/** Options of every command that runs a suite: what is run, where, and under which limits. */
export const choiceOptions = {
  suite: { type: 'string', description: `One of ${suites.map(({ id }) => id).join(', ')}`, default: 'quick' },
  methods: {
    type: 'string',
    description: 'Only these methods: ids, id/variant, families or cost classes, separated by commas',
  },
  models: {
    type: 'string',
    description:
      'Only these models, separated by commas: ids, ./folder with config.json, tokenizer.json and safetensors, or hf:owner/name[@revision] of the hub',
  },
  context: {
    type: 'string',
    description: `Positions that models named by folder or hub are cut to (default ${DEFAULT_CONTEXT_LIMIT}, at most ${LARGEST_CONTEXT_LIMIT})`,
    valueHint: 'tokens',
  },
  calibration: {
    type: 'string',
    description: 'Dataset that calibration and training examples are drawn from, in place of the suite’s',
    valueHint: 'dataset',
  },
  tasks: { type: 'string', description: 'These tasks in place of the suite’s, separated by commas' },
  seeds: { type: 'string', description: 'These seeds in place of the suite’s, separated by commas' },
  timeout: { type: 'string', description: 'Time limit of a trial, in seconds', valueHint: 'seconds' },
  memory: { type: 'string', description: 'Memory limit of a child process, in MiB', valueHint: 'MiB' },
  sandbox: sandboxOption,
  fleet: {
    type: 'boolean',
    description: 'Have a fleet of workers run the trials; see shrinkrank worker --help',
    default: false,
  },
  redis: redisOption,
  runner: runnerOption,
  'train-on-device': {
    type: 'boolean',
    description: 'Train on the device of --runner; the rows say so',
    default: false,
  },
  kind: {
    type: 'string',
    description: 'In a fleet with several kinds of workers: those whose fingerprint begins with this',
    valueHint: 'fingerprint',
  },
  quiet: { type: 'boolean', description: 'Show no progress', default: false },
  home: homeOption,
  json: jsonOption,
} as const;

export default createCommand({
  name: 'run',
  description:
    'Compress, evaluate and measure a suite, or chosen methods and models, and show the leaderboard. What the store already holds is not done again, so a run that was stopped goes on where it ended.',
  examples: [
    { line: 'run', does: 'Run the quick suite; `npm run bench` does the same.' },
    { line: 'run --methods gptq,rtn/w4g32', does: 'Run all variants of one method and one variant of another.' },
    { line: 'run --methods high-cost --seeds 0,1,2', does: 'Run every method that trains, three seeds each.' },
    { line: 'run --models stories260k', does: 'Run the quick suite on a model of the Hugging Face hub.' },
    { line: 'run --models ./my-model --methods rtn/w4g32', does: 'Run one method on a model in a folder.' },
    { line: 'run --runner webgpu', does: 'Measure speed on the GPU.' },
  ],
  args: {
    ...choiceOptions,
    'retry-failed': {
      type: 'boolean',
      description: 'Run failed trials, evaluations and measurements again; the failures stay in the store',
      default: false,
    },
    resume: { type: 'boolean', description: 'Go on where a run ended; this is always so', default: true },
  },
  async run({ args }) {
    if (args.resume === false) {
      throw new InputError('run: results are never deleted; to start from nothing, name an empty folder with --home');
    }
    const suite = findById('suite', suites, args.suite);
    const home = homeOf(args.home);
    const asked = await entriesOf(suite, args, { home });
    if (args.fleet) requireKnownToWorkers(asked);
    const { entries, missing } = await interruptible((signal) =>
      readyEntries(asked, { home, hub: createHubClient(), signal, say: remark }),
    );
    const progress = createRunProgress({ quiet: args.quiet });
    try {
      const summary = await interruptible((signal) =>
        runSuite({
          suite: suite.id,
          entries,
          limits: limitsOf(suite, args),
          home,
          retryFailed: args['retry-failed'],
          signal,
          ...workplaceOf(args),
          onProgress: progress.onEvent,
        }),
      );
      progress.stop();
      const boards = entries.flatMap(({ model, tasks }) =>
        tasks.map(({ task }) => ({ model: model.id, task: task.id })),
      );
      if (args.json) printJson(withoutPlan(summary));
      else {
        printBoards({ home, boards, runner: summary.runner });
        printSummary(summary);
      }
      return summary.undone.length + missing.length > 0 ? EXIT_CODES.incomplete : EXIT_CODES.done;
    } finally {
      progress.stop();
    }
  },
});

interface Choice {
  readonly methods?: string | undefined;
  readonly models?: string | undefined;
  readonly tasks?: string | undefined;
  readonly seeds?: string | undefined;
  readonly context?: string | undefined;
  readonly calibration?: string | undefined;
}

/** A model with what a suite, or its kind where no suite has it, asks of it. */
interface Place {
  readonly model: ModelDefinition;
  readonly calibration: string;
  readonly tasks: readonly string[];
  readonly variants: readonly string[];
}

/**
 * A model that the suite lacks is asked what another suite asks of it, else what is asked of its kind. `opening`: where
 * fine-tuned models are found. Those that are not there yet are given as they are defined.
 */
export async function entriesOf(
  suite: Suite,
  choice: Choice,
  opening: Pick<OpenModelOptions, 'home'> = {},
): Promise<SuiteEntry[]> {
  const places = await placesOf(suite, choice, opening);
  const wanted = choice.methods === undefined ? undefined : findVariants(splitList('methods', choice.methods));
  const tasks = choice.tasks === undefined ? undefined : splitList('tasks', choice.tasks).map(findTask);
  const tasksFor = ({ model, tasks: own }: Place) =>
    tasks?.filter(({ task }) => kindFor(task.metric) === model.kind) ?? own.map(findTask);
  const seeds =
    choice.seeds === undefined
      ? suite.seeds
      : splitList('seeds', choice.seeds).map((text) => wholeNumber('seeds', text));
  // Without --tasks a model of a kind that no task asks for is compressed and timed all the same.
  const asked = places.filter((place) => tasks === undefined || tasksFor(place).length > 0);
  if (asked.length === 0) {
    throw new InputError(
      `--tasks: ${choice.tasks} do not fit ${places.map(({ model }) => model.id).join(', ')}; choose other models with --models`,
    );
  }
  return asked.map((place) => ({
    model: place.model,
    calibration: findDataset(choice.calibration ?? place.calibration),
    tasks: tasksFor(place),
    // Every variant is compared with dense, so a choice of methods never leaves it out.
    variants: wanted ? withDense(wanted) : findVariants(place.variants).filter((of) => isWithin(of, suite.mostTokens)),
    seeds,
  }));
}

async function placesOf(
  suite: Suite,
  { models, tasks, context }: Choice,
  opening: Pick<OpenModelOptions, 'home'>,
): Promise<readonly Place[]> {
  if (models === undefined) {
    if (context !== undefined) throw new InputError('--context: name the models it is for with --models');
    const usual = suite.entries.filter(({ onRequest = false }) => !onRequest);
    return Promise.all(usual.map(async (entry) => ({ ...entry, model: await openModel(entry.model, opening) })));
  }
  const contextLimit = context === undefined ? undefined : wholeNumber('context', context, 2);
  if (contextLimit !== undefined && contextLimit > LARGEST_CONTEXT_LIMIT) {
    throw new InputError(`--context: at most ${LARGEST_CONTEXT_LIMIT} positions are measured, got ${contextLimit}`);
  }
  const places: Place[] = [];
  for (const name of splitList('models', models)) {
    const model = await openModel(name, { ...opening, contextLimit });
    const own = suite.entries.filter((entry) => entry.model === model.id);
    if (own.length > 0) places.push(...own.map((entry) => ({ ...entry, model })));
    else {
      const elsewhere = tasks === undefined ? suites.flatMap(({ entries }) => entries) : [];
      const { calibration, tasks: asked } =
        elsewhere.find((entry) => entry.model === model.id) ??
        defaultPlace(model, tasks === undefined ? undefined : splitList('tasks', tasks));
      places.push({ model, variants: suite.entries[0]?.variants ?? [], calibration, tasks: asked });
    }
  }
  return places;
}

/** Where trials run: here, with methods in a sandbox, or in a fleet, whose workers have sandboxes of their own. */
export function workplaceOf(args: {
  readonly fleet: boolean;
  readonly redis?: string | undefined;
  readonly runner: string;
  readonly kind?: string | undefined;
  readonly sandbox: string;
  readonly 'train-on-device': boolean;
}): Pick<RunSuiteRequest, 'fleet' | 'provider' | 'sandbox' | 'trainOnDevice'> {
  const { fleet, redis, kind } = args;
  const provider = providerOf(args.runner);
  const trainOnDevice = args['train-on-device'];
  if (trainOnDevice && provider === 'cpu') {
    throw new InputError('run: --train-on-device needs a device; name one with --runner webgpu or cuda');
  }
  if (!fleet && (redis !== undefined || kind !== undefined)) {
    throw new InputError('run: --redis and --kind need --fleet');
  }
  if (!fleet) return { provider, trainOnDevice, sandbox: policyOf(args.sandbox) };
  if (args.sandbox !== sandboxOption.default) {
    throw new InputError('run: --sandbox is for this machine; in a fleet, give it to each worker');
  }
  return { fleet: { redis: redisUrlOf(redis), provider, kind }, trainOnDevice };
}

function isWithin({ registration, variant }: VariantRegistration, mostTokens = Infinity): boolean {
  const { tokens } = registration.method.variants[variant] ?? {};
  return typeof tokens !== 'number' || tokens <= mostTokens;
}

function withDense(variants: ReturnType<typeof findVariants>): ReturnType<typeof findVariants> {
  const dense = findVariants(['dense']);
  return [...dense, ...variants.filter(({ registration }) => registration.method.id !== 'dense')];
}

/** A model that the suite lacks may be of any size: it gets the limits of the suites of a night. */
export function limitsOf(
  { limits, entries }: Suite,
  args: Pick<Choice, 'models'> & { readonly timeout?: string | undefined; readonly memory?: string | undefined },
): Limits {
  const known = new Set(entries.map(({ model }) => model));
  const named = args.models === undefined ? [] : splitList('models', args.models);
  return {
    ...(named.every((name) => known.has(name)) ? limits : NIGHT_LIMITS),
    ...(args.timeout !== undefined && { trialTimeoutSeconds: wholeNumber('timeout', args.timeout, 1) }),
    ...(args.memory !== undefined && { memoryBytes: wholeNumber('memory', args.memory, 1) * 2 ** 20 }),
  };
}

export function wholeNumber(option: string, text: string, least = 0): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least || text.trim() === '') {
    throw new InputError(`--${option}: expected a whole number from ${least}, got "${text}"`);
  }
  return value;
}

function printSummary(summary: RunSummary): void {
  const { planned, alreadyDone, recorded, wallSeconds, overheadSeconds, seconds, undone } = summary;
  if (recorded === 0 && undone.length === 0) {
    remark(`the store already holds all ${planned} variants; nothing to do`);
    return;
  }
  const done = alreadyDone > 0 ? `, ${alreadyDone} of them in the store already` : '';
  const text =
    `${planned} variants${done}; ${recorded} rows recorded in ${wallSeconds.toFixed(1)} s: ` +
    `compressing ${seconds.compress.toFixed(1)} s, checking ${seconds.check.toFixed(1)} s, ` +
    `evaluating ${seconds.evaluate.toFixed(1)} s, measuring ${seconds.measure.toFixed(1)} s` +
    (overheadSeconds === null
      ? ' on the workers'
      : `, the harness itself ${overheadSeconds.toFixed(1)} s (${((100 * overheadSeconds) / wallSeconds).toFixed(1)} %)`);
  print(wrapParts(text.split(' '), { separator: ' ', columns: outputColumns() }).join('\n'));
  for (const [reason, names] of Map.groupBy(undone, (step) => step.reason)) {
    const who = [...new Set(names.map(({ name }) => name))].join(', ');
    remark(`not done: ${plural(names.length, 'step')} of ${who}: ${reason}`);
  }
}

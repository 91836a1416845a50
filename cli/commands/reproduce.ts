/** `shrinkrank reproduce`: makes published artifacts again with the present code and compares them byte by byte. */
import { createCommand } from '../setup/command.ts';
import Table from 'cli-table3';
import { type CompletedTrial, completedTrials, type Store } from '../../drizzle/queries.ts';
import { canonicalJson } from '../../contracts/canonical-json.ts';
import { BenchError, InputError } from '../../contracts/errors.ts';
import { PROTOCOL } from '../../contracts/protocol.ts';
import type { RowIdentity } from '../../contracts/result.ts';
import { createHubClient } from '../../engine/hub/hub-client.ts';
import type { Bench } from '../../harness/plan/bench.ts';
import { type Compressed, compressTrial } from '../../harness/trial/compress-trial.ts';
import { failureOf } from '../../harness/process/outcome.ts';
import { type MethodRegistration, planTrials, type PlannedTrial } from '../../harness/plan/plan.ts';
import { createPreparer } from '../../harness/plan/prepare.ts';
import { warmTrialCache } from '../../harness/trial/warm-trial-cache.ts';
import { openWorkspace } from '../../harness/plan/workspace.ts';
import { readMachine, runnerOf } from '../../harness/measure/machine.ts';
import { formatSeconds } from '../../contracts/words/figures.ts';
import { withMadeFiles } from '../setup/made-files.ts';
import { homeOf, homeOption, jsonOption, openHomeStore } from '../setup/home.ts';
import { interruptible } from '../setup/interruptible.ts';
import { EXIT_CODES, print, printJson, remark } from '../setup/output.ts';
import { findById, findDataset, findModel, findVariants, methodRegistrations, splitList } from '../setup/registry.ts';
import { limitsOf, wholeNumber } from './run.ts';
import { policyOf, sandboxOption } from '../setup/sandbox-option.ts';
import { suites } from '../setup/suites.ts';

/** Trials run under its limits. A data-free method reads no dataset, so the suite's first one fills the plan. */
const nightly = findById('suite', suites, 'nightly');

export default createCommand({
  name: 'reproduce',
  description:
    'Make published artifacts again with the present code and compare the bytes. Ends with exit code 5 where one differs.',
  examples: [
    { line: 'reproduce', does: 'The cheapest artifact of every method and model.' },
    { line: 'reproduce gptq --trials 3', does: 'Three variants of one method.' },
  ],
  args: {
    methods: {
      type: 'positional',
      description: 'Methods or families, separated by commas (default: all with rows in the store)',
      required: false,
    },
    models: { type: 'string', description: 'Only artifacts of these models, separated by commas' },
    trials: {
      type: 'string',
      description: 'Trials per method and model, each of another variant, the cheapest first',
      valueHint: 'count',
      default: '1',
    },
    timeout: { type: 'string', description: 'Time limit of a trial, in seconds', valueHint: 'seconds' },
    memory: { type: 'string', description: 'Memory limit of a child process, in MiB', valueHint: 'MiB' },
    sandbox: sandboxOption,
    home: homeOption,
    json: jsonOption,
  },
  async run({ args }) {
    const most = wholeNumber('trials', args.trials, 1);
    const models =
      args.models === undefined ? undefined : splitList('models', args.models).map((id) => findModel(id).id);
    const home = homeOf(args.home);
    const store = openHomeStore(args.home);
    const chosen = ((): Chosen[] => {
      try {
        return chooseTrials(store, { registrations: registrationsOf(args.methods), models, most, home });
      } finally {
        store.close();
      }
    })();
    if (chosen.length === 0) {
      remark(
        'the store holds no artifact that the present code can make again; `shrinkrank import` reads published rows',
      );
      return EXIT_CODES.done;
    }
    const limits = limitsOf(nightly, args);
    const sandbox = policyOf(args.sandbox);
    const made = await interruptible((signal) => reproduceAll(chosen, { home, limits, sandbox, signal }));
    const verdicts = verdictsOf(made);
    if (args.json) printJson({ trials: made.map(printedOf), methods: verdicts });
    else printReport(made, verdicts);
    return verdicts.every(({ same }) => same) ? EXIT_CODES.done : EXIT_CODES.different;
  },
});

interface Chosen {
  readonly registration: MethodRegistration;
  readonly trial: CompletedTrial;
  readonly planned: PlannedTrial;
}

function registrationsOf(names: string | undefined): readonly MethodRegistration[] {
  if (names === undefined) return methodRegistrations;
  return [...new Set(findVariants(splitList('methods', names)).map(({ registration }) => registration))];
}

interface Choice {
  readonly registrations: readonly MethodRegistration[];
  readonly models: readonly string[] | undefined;
  /** Per method and model. */
  readonly most: number;
  /** Where fine-tuned models are found. */
  readonly home: string;
}

/** Of each method and model the cheapest trial of each variant, up to `most`. */
function chooseTrials(store: Store, { registrations, models, most, home }: Choice): Chosen[] {
  return registrations.flatMap((registration) => {
    const completed = completedTrials(store, { method: registration.method.id, protocol: PROTOCOL.version });
    const asked = candidatesOf(registration, completed).filter(
      ({ identity }) => models?.includes(identity.model) ?? true,
    );
    return [...Map.groupBy(asked, ({ identity }) => identity.model).values()].flatMap((ofModel) => {
      const variants = Map.groupBy(ofModel, ({ identity }) => identity.variant);
      const cheapest = [...variants.values()].flatMap(([first]) => (first ? [first] : []));
      return cheapest
        .values()
        .flatMap((trial) => plannedAgain(registration, trial, home))
        .take(most)
        .toArray();
    });
  });
}

/**
 * Rows of the method's present revision; where there are none, those of the newest code from before methods had
 * revisions. Rows of another revision are left out: the present code says that it makes other artifacts.
 */
function candidatesOf({ method }: MethodRegistration, completed: readonly CompletedTrial[]): readonly CompletedTrial[] {
  // Training on a device is not bit-reproducible.
  const reproducible = completed.filter(({ identity }) => identity.trainedOn === undefined);
  const byCode = Map.groupBy(reproducible, ({ identity }) => codeOf(identity));
  const present = byCode.get(method.revision);
  if (present) return present;
  const others = [...byCode.keys()].filter((code) => typeof code === 'number');
  if (others.length > 0) {
    remark(
      `${method.id}: left out, since the rows are of revision ${others.join(', ')} and the code here is revision ` +
        `${method.revision}; check out the commit of the rows’ run to make them again`,
    );
    return [];
  }
  const newest = reproducible.toSorted((a, b) => (a.startedAt < b.startedAt ? 1 : -1))[0];
  return newest ? (byCode.get(codeOf(newest.identity)) ?? []) : [];
}

/** The revision or, in rows from before there were revisions, the source hash. */
function codeOf(identity: RowIdentity): number | string {
  return 'revision' in identity ? identity.revision : identity.methodSource;
}

/** The trial as the present registry would plan it; nothing where variant, model or data are not what they were. */
function plannedAgain(registration: MethodRegistration, trial: CompletedTrial, home: string): Chosen[] {
  const { method, variant, model } = trial.identity;
  const planned = planOf(registration, trial.identity, home);
  if (planned && canonicalJson(inputsOf(planned.identity)) === canonicalJson(inputsOf(trial.identity))) {
    return [{ registration, trial, planned }];
  }
  remark(`${method}/${variant} on ${model}: left out, since its parameters, model or data have changed`);
  return [];
}

/** What goes into a trial besides the method's code. */
function inputsOf(identity: RowIdentity): object {
  const { method, variant, params, model, modelRevision, data, seed, protocol } = identity;
  return { method, variant, params, model, modelRevision, data, seed, protocol };
}

/** Undefined where variant, model or dataset are no longer registered. */
function planOf(
  registration: MethodRegistration,
  { variant, model, data, seed }: RowIdentity,
  home: string,
): PlannedTrial | undefined {
  try {
    const entry = {
      model: withMadeFiles(findModel(model), home),
      calibration: findDataset(data?.dataset ?? nightly.entries[0]?.calibration ?? ''),
      tasks: [],
      variants: [{ registration, variant }],
      seeds: [seed],
    };
    return planTrials([entry], runnerOf('cpu', readMachine()))[0];
  } catch (error) {
    if (error instanceof InputError) return undefined;
    throw error;
  }
}

interface Made extends Chosen {
  /** SHA-256; null where no artifact was made. */
  readonly artifact: string | null;
  readonly reason: string | null;
  readonly wallSeconds: number;
}

async function reproduceAll(
  chosen: readonly Chosen[],
  { home, ...limits }: { readonly home: string } & Required<Pick<Bench, 'limits' | 'sandbox' | 'signal'>>,
): Promise<readonly Made[]> {
  const workspace = openWorkspace(home);
  try {
    const bench = { workspace, preparer: createPreparer(workspace, createHubClient()), ...limits };
    await warmTrialCache(workspace.trialCache, [...new Set(chosen.map(({ registration }) => registration.file))]);
    const made: Made[] = [];
    for (const [index, each] of chosen.entries()) {
      limits.signal.throwIfAborted();
      const { outcome, wallSeconds } = await compressTrial(bench, each.planned).catch(withoutInputs);
      const completed = outcome.status === 'completed';
      made.push({
        ...each,
        artifact: completed ? outcome.value : null,
        reason: completed ? null : `${outcome.status}: ${outcome.reason}`,
        wallSeconds,
      });
      const { method, variant, model } = each.trial.identity;
      remark(`${index + 1} of ${chosen.length}: ${method}/${variant} on ${model}, ${formatSeconds(wallSeconds)}`);
    }
    return made;
  } finally {
    workspace.release();
  }
}

/** A model or dataset that cannot be fetched here fails the trials that need it and no others. */
function withoutInputs(error: unknown): Pick<Compressed, 'outcome' | 'wallSeconds'> {
  if (!(error instanceof BenchError)) throw error;
  return { outcome: failureOf(error), wallSeconds: 0 };
}

function printedOf({ trial: { key, identity, artifact: then }, artifact, reason, wallSeconds }: Made): object {
  const { method, variant, model, seed } = identity;
  return { key, method, variant, model, seed, published: then.sha256, artifact, reason, wallSeconds };
}

interface Verdict {
  readonly method: string;
  readonly revision: number;
  /** Keys. */
  readonly trials: readonly string[];
  readonly same: boolean;
}

function verdictsOf(made: readonly Made[]): readonly Verdict[] {
  return [...Map.groupBy(made, ({ registration }) => registration).entries()].map(([{ method }, all]) => ({
    method: method.id,
    revision: method.revision,
    trials: all.map(({ trial }) => trial.key),
    same: all.every(isSame),
  }));
}

const isSame = ({ artifact, trial }: Made): boolean => artifact === trial.artifact.sha256;

function printReport(made: readonly Made[], verdicts: readonly Verdict[]): void {
  const table = new Table({ head: ['artifact', 'model', 'seed', 'published', 'here', ''] });
  for (const each of made) {
    const { trial, artifact } = each;
    const { method, variant, model, seed } = trial.identity;
    const [then, now] = [trial.artifact.sha256.slice(0, 12), artifact?.slice(0, 12) ?? '—'];
    table.push([
      `${method}/${variant}`,
      model,
      seed,
      then,
      now,
      artifact === null ? 'not made' : isSame(each) ? 'same' : 'differs',
    ]);
  }
  print(table.toString());
  for (const reason of new Set(made.flatMap((each) => each.reason ?? []))) remark(`not made: ${reason}`);
  const same = verdicts.filter((verdict) => verdict.same).length;
  print(`${same} of ${verdicts.length} methods give the published artifacts`);
  if (same < verdicts.length) explainDifferences(made.filter((each) => !isSame(each)));
}

/** Reasons for a difference that are no fault of the method's present code. */
function explainDifferences(different: readonly Made[]): void {
  const unrevised = different.filter(({ trial }) => 'methodSource' in trial.identity);
  if (unrevised.length > 0) {
    const ids = [...new Set(unrevised.map(({ registration }) => registration.method.id))].join(', ');
    remark(`${ids}: the rows are from before methods had revisions; the code may have changed since`);
  }
  const here = readMachine().cpuModel;
  const elsewhere = new Set(
    different.map(({ trial }) => trial.machine.cpuModel).filter((cpuModel) => cpuModel !== here),
  );
  if (elsewhere.size > 0) {
    remark(
      `published on ${[...elsewhere].join(', ')}, made here on ${here}: kernels of another processor may add in ` +
        'another order; make them on the same kind of processor before you blame the code',
    );
  }
}

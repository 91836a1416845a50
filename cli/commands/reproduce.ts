/**
 * `shrinkrank reproduce`: makes published artifacts again with the present code and compares them to the byte. Where the code
 * is newer than the rows and all are the same, `--record` lets the code go on under the rows' source hash.
 */
import { relative } from 'node:path';
import { defineCommand } from 'citty';
import Table from 'cli-table3';
import { type CompletedTrial, completedTrials, type Store } from '../../drizzle/queries.ts';
import { canonicalJson } from '../../contracts/canonical-json.ts';
import { BenchError, InputError } from '../../contracts/errors.ts';
import { PROTOCOL } from '../../contracts/protocol.ts';
import type { TrialIdentity } from '../../contracts/result.ts';
import { createHubClient } from '../../engine/hub/hub-client.ts';
import type { Bench } from '../../harness/plan/bench.ts';
import { type Compressed, compressTrial } from '../../harness/trial/compress-trial.ts';
import { methodSource, SAME_SOURCES } from '../../harness/plan/method-source.ts';
import { failureOf } from '../../harness/process/outcome.ts';
import { type MethodUnit, planTrials, type PlannedTrial } from '../../harness/plan/plan.ts';
import { createPreparer } from '../../harness/plan/prepare.ts';
import { recordSameSource } from '../../harness/plan/same-sources.ts';
import { warmTrialCache } from '../../harness/trial/warm-trial-cache.ts';
import { openWorkspace } from '../../harness/plan/workspace.ts';
import { readMachine, runnerOf } from '../../harness/measure/machine.ts';
import { formatSeconds } from '../../contracts/words/figures.ts';
import { homeOf, homeOption, jsonOption, openHomeStore } from '../setup/home.ts';
import { interruptible } from '../setup/interruptible.ts';
import { EXIT_CODES, print, printJson, remark } from '../setup/output.ts';
import { findById, findDataset, findModel, findVariants, methodUnits, splitList } from '../setup/registry.ts';
import { limitsOf, wholeNumber } from './run.ts';
import { policyOf, sandboxOption } from '../setup/sandbox-option.ts';
import { suites } from '../setup/suites.ts';

/** Its limits hold; the dataset it calibrates with first stands in where a data-free method draws none. */
const nightly = findById('suite', suites, 'nightly');

export default defineCommand({
  meta: {
    name: 'reproduce',
    description: 'Make published artifacts again with the present code, and compare them to the byte.',
  },
  args: {
    methods: {
      type: 'positional',
      description: 'Methods or families, separated by commas (default: those whose code is newer than their rows)',
      required: false,
    },
    models: { type: 'string', description: 'Only artifacts of these models, separated by commas' },
    trials: {
      type: 'string',
      description: 'How many per method and model, the cheapest first, of each variant one',
      valueHint: 'count',
      default: '1',
    },
    record: {
      type: 'boolean',
      description:
        'Where all are the same, let the newer code go on under the rows’ hash, by a line in the ledger of such code',
      default: false,
    },
    to: {
      type: 'string',
      description: 'The ledger (default: methods/same-sources.jsonl)',
      valueHint: 'file',
      default: SAME_SOURCES,
    },
    timeout: { type: 'string', description: 'Seconds a trial may take', valueHint: 'seconds' },
    memory: { type: 'string', description: 'MiB a child process may take', valueHint: 'MiB' },
    sandbox: sandboxOption,
    home: homeOption,
    json: jsonOption,
  },
  async run({ args }) {
    const most = wholeNumber('trials', args.trials, 1);
    const models =
      args.models === undefined ? undefined : splitList('models', args.models).map((id) => findModel(id).id);
    const store = openHomeStore(args.home);
    const chosen = ((): Chosen[] => {
      try {
        return chooseTrials(store, { units: unitsOf(args.methods), all: args.methods !== undefined, models, most });
      } finally {
        store.close();
      }
    })();
    if (chosen.length === 0) {
      remark('no row here is of older code of its method; name methods to reproduce theirs all the same');
      return EXIT_CODES.done;
    }
    const home = homeOf(args.home);
    const limits = limitsOf(nightly, args);
    const sandbox = policyOf(args.sandbox);
    const made = await interruptible((signal) => reproduceAll(chosen, { home, limits, sandbox, signal }));
    const verdicts = verdictsOf(made);
    if (args.record) for (const verdict of verdicts) record(verdict, args.to);
    if (args.json) printJson({ trials: made.map(printedOf), methods: verdicts });
    else printReport(made, { verdicts, ledger: args.record ? args.to : undefined });
    return verdicts.every(({ same }) => same) ? EXIT_CODES.done : EXIT_CODES.different;
  },
});

interface Chosen {
  readonly unit: MethodUnit;
  readonly trial: CompletedTrial;
  readonly planned: PlannedTrial;
}

function unitsOf(names: string | undefined): readonly MethodUnit[] {
  if (names === undefined) return methodUnits;
  return [...new Set(findVariants(splitList('methods', names)).map(({ unit }) => unit))];
}

interface Choice {
  readonly units: readonly MethodUnit[];
  /** Also of methods whose rows are of the present code. */
  readonly all: boolean;
  readonly models: readonly string[] | undefined;
  /** Per method and model. */
  readonly most: number;
}

/** Of each method the rows of one source: of the present one, where there are any, else of the newest. */
function chooseTrials(store: Store, { units, all, models, most }: Choice): Chosen[] {
  return units.flatMap((unit) => {
    const completed = completedTrials(store, { method: unit.method.id, protocol: PROTOCOL.version }).filter(
      // Devices promise no bytes.
      ({ identity }) => identity.trainedOn === undefined,
    );
    const bySource = Map.groupBy(completed, ({ identity }) => identity.methodSource);
    const present = bySource.get(methodSource(unit));
    if (present && !all) return [];
    const newest = completed.toSorted((a, b) => (a.startedAt < b.startedAt ? 1 : -1))[0];
    const rows = present ?? bySource.get(newest?.identity.methodSource ?? '') ?? [];
    const asked = rows.filter(({ identity }) => models?.includes(identity.model) ?? true);
    const places = Map.groupBy(asked, ({ identity }) => identity.model);
    return [...places.values()].flatMap((ofModel) => {
      const variants = Map.groupBy(ofModel, ({ identity }) => identity.variant);
      const cheapest = [...variants.values()].flatMap(([first]) => (first ? [first] : []));
      return cheapest
        .values()
        .flatMap((trial) => plannedAgain(unit, trial))
        .take(most)
        .toArray();
    });
  });
}

/** The trial as the present registry would plan it; nothing where variant, model or data are not what they were. */
function plannedAgain(unit: MethodUnit, trial: CompletedTrial): Chosen[] {
  const { identity } = trial;
  const { method, variant, model } = identity;
  const planned = planOf(unit, identity);
  const { methodSource: _, ...then } = identity;
  const { methodSource: __, ...now } = planned?.identity ?? { methodSource: '' };
  if (planned && canonicalJson(now) === canonicalJson(then)) return [{ unit, trial, planned }];
  remark(`${method}/${variant} on ${model}: parameters, model or data are not what they were; left out`);
  return [];
}

/** Undefined where variant, model or dataset are not registered any more. */
function planOf(unit: MethodUnit, { variant, model, data, seed }: TrialIdentity): PlannedTrial | undefined {
  try {
    const entry = {
      model: findModel(model),
      calibration: findDataset(data?.dataset ?? nightly.entries[0]?.calibration ?? ''),
      tasks: [],
      variants: [{ unit, variant }],
      seeds: [seed],
    };
    return planTrials([entry], runnerOf('cpu', readMachine()))[0];
  } catch (error) {
    if (error instanceof InputError) return undefined;
    throw error;
  }
}

interface Made extends Chosen {
  /** SHA-256; null where nothing came of it. */
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
    await warmTrialCache(workspace.trialCache, [...new Set(chosen.map(({ unit }) => unit.file))]);
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

/** A model or dataset that cannot be had here is the end of what needs it, and of nothing else. */
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
  readonly source: string;
  readonly rowsSource: string;
  readonly trials: readonly string[];
  readonly same: boolean;
}

function verdictsOf(made: readonly Made[]): readonly Verdict[] {
  return [...Map.groupBy(made, ({ unit }) => unit).entries()].map(([unit, all]) => ({
    method: unit.method.id,
    source: methodSource(unit),
    rowsSource: all[0]?.trial.identity.methodSource ?? '',
    trials: all.map(({ trial }) => trial.key),
    same: all.every(isSame),
  }));
}

const isSame = ({ artifact, trial }: Made): boolean => artifact === trial.artifact.sha256;

function record({ method, source, rowsSource, trials, same }: Verdict, ledger: string): void {
  if (!same || source === rowsSource) return;
  const date = new Date().toISOString().slice(0, 10);
  recordSameSource(ledger, { method, source, sameAs: rowsSource, trials: [...trials], date });
}

function printReport(
  made: readonly Made[],
  { verdicts, ledger }: { readonly verdicts: readonly Verdict[]; readonly ledger: string | undefined },
): void {
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
  const different = verdicts.filter(({ same }) => !same).map(({ method }) => method);
  const newer = verdicts.filter(({ same, source, rowsSource }) => same && source !== rowsSource);
  print(`${verdicts.length - different.length} of ${verdicts.length} methods give the published artifacts`);
  if (newer.length > 0) {
    const who = newer.map(({ method }) => method).join(', ');
    print(
      ledger === undefined
        ? `newer code, same artifacts: ${who}; add --record to let their rows stand`
        : `${relative(process.cwd(), ledger)}: ${who} go on under the hash of their rows`,
    );
  }
  const here = readMachine().cpuModel;
  const elsewhere = new Set(made.map(({ trial }) => trial.machine.cpuModel).filter((cpuModel) => cpuModel !== here));
  if (different.length > 0 && elsewhere.size > 0) {
    remark(
      `published on ${[...elsewhere].join(', ')}, made here on ${here}: another processor may add in another order; ` +
        'reproduce with the older code here before you blame the newer',
    );
  }
}

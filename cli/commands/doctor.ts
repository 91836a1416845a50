/** `shrinkrank doctor`: what this machine can run; for the rest, why not and what to do. */
import { accessSync, constants, existsSync, mkdirSync, statfsSync } from 'node:fs';
import { styleText } from 'node:util';
import { createCommand } from '../setup/command.ts';
import { models } from '../../models/index.ts';
import { openStore } from '../../drizzle/client.ts';
import { BenchError } from '../../contracts/errors.ts';
import { PROTOCOL } from '../../contracts/protocol.ts';
import type { DeviceProvider } from '../../contracts/runner.ts';
import { createHubClient, type HubAccess } from '../../engine/hub/hub-client.ts';
import type { ModelDefinition } from '../../engine/definitions/model.ts';
import { connectRedis } from '../../harness/fleet/fleet.ts';
import { fleetStatus } from '../../harness/fleet/fleet-status.ts';
import { readMachine } from '../../harness/measure/machine.ts';
import { startEnergyMeter } from '../../harness/measure/energy.ts';
import { loadModel } from '../../engine/model/load-model.ts';
import { type ProbeOptions, probeProvider } from '../../engine/runtime/provider-probe.ts';
import { outputColumns, renderHanging } from '../setup/columns.ts';
import { formatBytes } from '../../contracts/words/figures.ts';
import type { Finding } from '../setup/doctor-finding.ts';
import { modelFindingsOf } from '../setup/doctor-model.ts';
import { sandboxFindings } from '../setup/doctor-sandbox.ts';
import { withMadeFiles } from '../setup/made-files.ts';
import { projectAddress } from '../setup/project-address.ts';
import { redisOption, redisUrlOf } from '../setup/fleet-options.ts';
import { homeOf, homeOption, jsonOption } from '../setup/home.ts';
import { EXIT_CODES, print, printJson } from '../setup/output.ts';
import { renderFleet } from '../render/render-fleet.ts';

const SPARE_DISK_BYTES = 2 ** 30;

export default createCommand({
  name: 'doctor',
  description: 'Check what this machine can run, and say for the rest why not and what to do.',
  examples: [
    { line: 'doctor', does: 'Node, CPU, GPU, energy counter, sandbox, disk and models.' },
    { line: 'doctor --model ./my-model', does: 'What a model is, and what it asks of this machine.' },
    { line: 'doctor --fleet --redis redis://host:6379', does: 'Workers and queues of a fleet.' },
  ],
  args: {
    model: {
      type: 'string',
      description: 'Describe this model instead: an id, ./folder or hf:owner/name[@revision]',
      valueHint: 'model',
    },
    fleet: { type: 'boolean', description: 'Show the workers and queues of a fleet instead', default: false },
    redis: redisOption,
    home: homeOption,
    json: jsonOption,
  },
  async run({ args }) {
    if (args.fleet) return reportFleet(redisUrlOf(args.redis), args.json);
    if (args.model !== undefined) {
      const findings = await modelFindingsOf(args.model, { home: homeOf(args.home) });
      if (args.json) printJson({ model: args.model, findings });
      else printFindings(findings);
      return EXIT_CODES.done;
    }
    const findings = [
      nodeFinding(),
      machineFinding(),
      ...(await Promise.all([deviceFinding('webgpu'), deviceFinding('cuda')])),
      energyFinding(),
      addressFinding(),
      ...sandboxFindings(),
      diskFinding(homeOf(args.home)),
      ...(await modelFindings(homeOf(args.home))),
    ];
    if (args.json) printJson({ machine: readMachine(), findings });
    else printFindings(findings);
    return findings.some(({ state }) => state === 'missing') ? EXIT_CODES.incomplete : EXIT_CODES.done;
  },
});

function printFindings(findings: readonly Finding[]): void {
  const rows = findings.map(({ subject, state, text }) => [`${MARKS[state]} ${styleText('bold', subject)}`, text]);
  print(renderHanging(rows, { alignments: ['left', 'left'], columns: outputColumns() }).join('\n'));
}

async function reportFleet(url: string, json: boolean): Promise<number> {
  const redis = await connectRedis(url);
  try {
    const status = await fleetStatus(redis);
    if (json) printJson(status);
    else print(renderFleet(status, Date.now()).join('\n'));
    return EXIT_CODES.done;
  } finally {
    redis.disconnect();
  }
}

const MARKS = {
  ok: styleText('green', '✓'),
  limited: styleText('yellow', '~'),
  missing: styleText('red', '✗'),
} as const;

/** The version fits: cli/require-node.js ends the process of an older one. */
function nodeFinding(): Finding {
  return { subject: 'Node', state: 'ok', text: process.versions.node };
}

function machineFinding(): Finding {
  const { cpuModel, cores, memoryBytes, instructionSets, onnxRuntime } = readMachine();
  const enoughThreads = cores >= PROTOCOL.quality.threads;
  const integerDots = instructionSets.some((name) => name.includes('vnni') || name.includes('amx_int8'));
  return {
    subject: 'CPU runner',
    state: enoughThreads ? 'ok' : 'limited',
    text:
      `${cpuModel}, ${cores} cores, ${formatBytes(memoryBytes)}, onnxruntime ${onnxRuntime}; ` +
      (integerDots
        ? 'has integer dot products (VNNI): int8 speed-ups are real'
        : 'no integer dot products (VNNI): int8 gains little speed') +
      (enoughThreads
        ? ''
        : `; the protocol scores quality on ${PROTOCOL.quality.threads} threads, which share the cores there are`),
  };
}

/** A missing GPU is a limit and no fault: the CPU is always there. */
export async function deviceFinding(provider: DeviceProvider, options?: ProbeOptions): Promise<Finding> {
  const subject = `${provider} runner`;
  const probe = await probeProvider(provider, options);
  if (!probe.available) return { subject, state: 'limited', text: probe.reason };
  const { name, kind, driver, memoryBytes } = probe.device;
  const known = [name ?? 'a device without a name', driver, memoryBytes === null ? null : formatBytes(memoryBytes)];
  const text = [...new Set(known)].filter((part) => part !== null).join(', ');
  return kind === 'hardware'
    ? { subject, state: 'ok', text }
    : {
        subject,
        state: 'limited',
        text: `${text}: a software device; it runs everything, but its speeds are not ranked`,
      };
}

function energyFinding(): Finding {
  return startEnergyMeter().joules() === null
    ? {
        subject: 'energy',
        state: 'limited',
        text: 'no readable counter (RAPL under /sys/class/powercap); rows say null',
      }
    : { subject: 'energy', state: 'ok', text: 'counted by RAPL' };
}

/** A board that nobody publishes needs no address. */
function addressFinding(): Finding {
  const address = projectAddress();
  const unset = (['repository', 'homepage', 'bugs'] as const).filter((field) => address[field] === null);
  return {
    subject: 'address',
    state: unset.length > 0 ? 'limited' : 'ok',
    text:
      unset.length > 0
        ? `package.json: set ${unset.map((field) => `\`${field}\``).join(', ')} before you publish: the site links to them`
        : `${address.homepage}, from ${address.repository}`,
  };
}

function diskFinding(home: string): Finding {
  const subject = 'results folder';
  try {
    mkdirSync(home, { recursive: true });
    accessSync(home, constants.W_OK);
    const { bavail, bsize } = statfsSync(home);
    const freeBytes = bavail * bsize;
    const store = `${home}/store.sqlite`;
    if (existsSync(store)) openStore(store).close();
    return {
      subject,
      state: freeBytes < SPARE_DISK_BYTES ? 'limited' : 'ok',
      text: `${home}, ${formatBytes(freeBytes)} free${freeBytes < SPARE_DISK_BYTES ? '; make room' : ''}`,
    };
  } catch (error) {
    return { subject, state: 'missing', text: `${home}: ${messageOf(error)}; name another with --home` };
  }
}

/** Nothing is fetched and nothing made: models of the hub, and those made from them, come when they are first used. */
async function modelFindings(home: string): Promise<Finding[]> {
  const hub = createHubClient({ offline: true });
  return Promise.all(
    models.map(async (registered): Promise<Finding> => {
      const subject = `model ${registered.id}`;
      try {
        const definition = withMadeFiles(registered, home);
        const { source } = definition;
        if (source.kind === 'fine-tuned') return { subject, ...madeFinding(source) };
        if (source.kind === 'hub') return { subject, ...(await cachedFinding(source, hub)) };
        const { linears } = await loadModel(definition, hub);
        return { subject, state: 'ok', text: `loads, ${linears.length} linear layers` };
      } catch (error) {
        return { subject, state: 'missing', text: messageOf(error) };
      }
    }),
  );
}

type SourceOf<Kind extends ModelDefinition['source']['kind']> = ModelDefinition['source'] & { readonly kind: Kind };

function madeFinding({ base, recipe, path }: SourceOf<'fine-tuned'>): Omit<Finding, 'subject'> {
  if (path !== undefined) return { state: 'ok', text: `made, in ${path}` };
  return {
    state: 'limited',
    text: `not made yet; its first use fine-tunes ${base.id} on ${recipe.dataset} in ${recipe.steps} steps`,
  };
}

async function cachedFinding(
  { repo, revision, files }: SourceOf<'hub'>,
  hub: HubAccess,
): Promise<Omit<Finding, 'subject'>> {
  const cached = await hub.repository({ repo, revision }).catch(() => undefined);
  const absent = files.filter(({ path }) => !cached?.files.includes(path));
  if (absent.length === 0) return { state: 'ok', text: `in the hub cache, ${repo}@${revision.slice(0, 8)}` };
  return {
    state: 'limited',
    text: `not in the hub cache; fetched from ${repo}@${revision.slice(0, 8)} when it is first used, or set HF_HUB_CACHE to a cache that has it`,
  };
}

function messageOf(error: unknown): string {
  return error instanceof BenchError || error instanceof Error ? error.message : String(error);
}

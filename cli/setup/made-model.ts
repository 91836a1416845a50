/** Makes a fine-tuned model when it is first used; where the making was stopped, it goes on from there. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../../contracts/errors.ts';
import type { ModelDefinition } from '../../engine/definitions/model.ts';
import type { HubAccess } from '../../engine/hub/hub-client.ts';
import { recipeDigest } from '../../engine/model/load-model.ts';
import { readMachine } from '../../harness/measure/machine.ts';
import { writeDurably } from '../../harness/plan/workspace.ts';
import { releaseProcessLock, tryProcessLock } from '../../harness/process/process-lock.ts';
import { accuracyInWords, type MadeModel } from '../../models/shared/fine-tuned/fine-tuned-definition.ts';
import { fineTune } from './fine-tune-model.ts';
import { madeFolder, RECORD, withMadeFiles } from './made-files.ts';

const CHECKPOINT = 'checkpoint.safetensors';
/** Between two lines of progress. */
const LINE_EVERY_MS = 30_000;

export interface MakingOptions {
  readonly home: string;
  readonly hub: HubAccess;
  readonly signal?: AbortSignal;
  readonly say: (text: string) => void;
}

/** The definition with its files in the home, which are made where they are not there yet. Throws what making throws. */
export async function makeModel(definition: ModelDefinition, options: MakingOptions): Promise<ModelDefinition> {
  const found = withMadeFiles(definition, options.home);
  const { source } = found;
  if (source.kind !== 'fine-tuned' || source.path !== undefined) return found;
  const folder = madeFolder(definition.id, recipeDigest(source), options.home);
  mkdirSync(folder, { recursive: true });
  const lock = join(folder, 'making.lock');
  const holder = tryProcessLock(lock);
  if (holder !== null) {
    throw new InputError(
      `model ${definition.id}: process ${holder} is making it in ${folder}; wait for it and run again`,
    );
  }
  try {
    const made = await makeInto(folder, { definition, source }, options);
    options.say(`${definition.id}: made; accuracy ${accuracyInWords(made.test)}; ${differenceTo(source.files, made)}`);
  } finally {
    releaseProcessLock(lock);
  }
  return withMadeFiles(definition, options.home);
}

async function makeInto(
  folder: string,
  {
    definition,
    source,
  }: {
    readonly definition: ModelDefinition;
    readonly source: ModelDefinition['source'] & { readonly kind: 'fine-tuned' };
  },
  { hub, signal, say }: MakingOptions,
): Promise<MadeModel> {
  const { id } = definition;
  const { base, recipe } = source;
  const checkpoint = join(folder, CHECKPOINT);
  say(
    `${id}: not made yet; fine-tuning ${base.id} on ${recipe.dataset}, ${recipe.steps} steps, into ${folder}` +
      (existsSync(checkpoint) ? ', from where it stopped' : ''),
  );
  let saidMs = performance.now();
  const { files, heldOut, test } = await fineTune({
    id,
    base,
    recipe,
    hub,
    checkpoint,
    ...(signal && { signal }),
    onProgress({ step, steps, loss, secondsLeft }) {
      if (performance.now() - saidMs < LINE_EVERY_MS) return;
      saidMs = performance.now();
      say(`${id}: step ${step} of ${steps}, loss ${loss.toFixed(3)}, about ${Math.ceil(secondsLeft / 60)} min left`);
    },
  });
  const { cpuModel, cores, instructionSets, onnxRuntime } = readMachine();
  const made: MadeModel = {
    model: id,
    recipe: recipeDigest(source),
    files: [...files].map(([path, bytes]) => ({
      path,
      sha256: createHash('sha256').update(bytes).digest('hex'),
      sizeBytes: bytes.byteLength,
    })),
    heldOut,
    test,
    machine: `${cpuModel}, ${cores} cores, ${instructionSets.join(' ')}, onnxruntime ${onnxRuntime}`,
  };
  for (const [path, bytes] of files) writeDurably(join(folder, path), bytes);
  // Last: a folder without a record is one that is being made.
  writeDurably(join(folder, RECORD), Buffer.from(`${JSON.stringify(made, undefined, 2)}\n`));
  rmSync(checkpoint, { force: true });
  return made;
}

function differenceTo(published: readonly MadeModel['files'][number][], made: MadeModel): string {
  if (published.length === 0) return 'none was made for publication';
  const same = made.files.every(({ path, sha256 }) =>
    published.some((file) => file.path === path && file.sha256 === sha256),
  );
  return same
    ? 'its bytes are the published ones'
    : 'its bytes are not the published ones, as on another kind of processor: its rows are a model’s of their own';
}

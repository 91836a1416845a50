/**
 * Which folder may import which: the one statement of the floors of this repository, lowest floor first. `oxlint.config.ts`
 * makes lint rules of it, `test/import-table.test.ts` holds every import (types included) against it, and
 * `scripts/draw-floors.ts` draws it in ARCHITECTURE.md.
 */

export interface Room {
  /** From the root of the repository; `methods/*` stands for each family of methods. */
  readonly folder: string;
  readonly floor: string;
  /** Folders of this table whose modules it may import, besides its own. */
  readonly mayImport: readonly string[];
  /** What to do instead of another import: the second half of the linter's message. */
  readonly instead: string;
  /** Packages that only the rooms naming them may import. */
  readonly packages?: readonly string[];
}

const NUMERICS = ['contracts', 'numerics/tensor', 'numerics/statistics', 'numerics/onnx', 'numerics/autodiff'];
const ENGINE = [
  ...NUMERICS,
  'engine/definitions',
  'engine/runtime',
  'engine/hub',
  'engine/model',
  'engine/training',
  'engine/calibrate',
];
const HARNESS = [
  ...ENGINE,
  'harness/sandbox',
  'harness/process',
  'harness/measure',
  'harness/plan',
  'harness/judge',
  'harness/trial',
  'harness/fleet',
];
const REGISTERED = ['methods', 'models', 'datasets', 'studies'];
const BOARD = ['drizzle', 'board/derive', 'board/publish'];
const COMMAND_LINE = ['cli/setup', 'cli/render', 'cli/gpu', 'cli/website'];

/** A room's folders up to and without its own. */
const below = (folders: readonly string[], own: string) => folders.slice(0, folders.indexOf(own));

const REGISTERED_REMEDY =
  'The harness names no method, model or dataset: take it as an argument; the command line passes it in.';

export const ROOMS: readonly Room[] = [
  {
    folder: 'contracts',
    floor: 'shared words',
    mayImport: [],
    instead: 'Contracts are types, schemas and words; move behaviour to the folder that does the work.',
  },
  {
    folder: 'numerics/tensor',
    floor: 'graphs and numbers',
    mayImport: ['contracts'],
    instead: 'Tensors are pure numbers; pass values in.',
  },
  {
    folder: 'numerics/statistics',
    floor: 'graphs and numbers',
    mayImport: ['contracts', 'numerics/tensor'],
    instead: 'Statistics are pure numbers; pass values in.',
  },
  {
    folder: 'numerics/onnx',
    floor: 'graphs and numbers',
    mayImport: ['contracts', 'numerics/tensor'],
    instead: 'Here are bytes and graphs only; what runs a graph belongs in engine/runtime or above.',
  },
  {
    folder: 'numerics/autodiff',
    floor: 'graphs and numbers',
    mayImport: ['contracts', 'numerics/tensor', 'numerics/onnx'],
    instead: 'Gradients are emitted here and run nowhere; return a graph and let engine/training run it.',
  },
  {
    folder: 'engine/definitions',
    floor: 'engine',
    mayImport: ['contracts', 'numerics/tensor', 'numerics/onnx'],
    instead: 'Definitions say what a model and a method are; move behaviour to the folder that does the work.',
  },
  {
    folder: 'engine/runtime',
    floor: 'engine',
    mayImport: ['contracts', 'numerics/tensor', 'numerics/onnx', 'engine/definitions'],
    packages: ['onnxruntime-node', 'onnxruntime-common'],
    instead: 'The runtime runs graphs and knows no purpose; put the purpose in the folder that calls it.',
  },
  {
    folder: 'engine/hub',
    floor: 'engine',
    mayImport: ['contracts'],
    packages: ['@huggingface/hub'],
    instead: 'The hub client fetches files; decode them in the folder that needs them.',
  },
  {
    folder: 'engine/model',
    floor: 'engine',
    mayImport: ['contracts', 'numerics/tensor', 'numerics/onnx', 'engine/definitions', 'engine/hub'],
    instead: REGISTERED_REMEDY,
  },
  {
    folder: 'engine/training',
    floor: 'engine',
    mayImport: [...NUMERICS, 'engine/definitions', 'engine/runtime', 'engine/model'],
    instead: 'Take what training needs as an argument.',
  },
  {
    folder: 'engine/calibrate',
    floor: 'engine',
    mayImport: [...NUMERICS, 'engine/definitions', 'engine/runtime', 'engine/model', 'engine/training'],
    instead: 'Take what calibration needs as an argument.',
  },
  {
    folder: 'methods/shared',
    floor: 'methods and models',
    mayImport: ENGINE.filter((folder) => folder !== 'engine/hub' && folder !== 'numerics/statistics'),
    instead: 'A method sees a model and its context only; take data from context.calibration or context.training.',
  },
  {
    folder: 'methods/*',
    floor: 'methods and models',
    mayImport: [
      ...ENGINE.filter((folder) => folder !== 'engine/hub' && folder !== 'numerics/statistics'),
      'methods/shared',
    ],
    instead:
      'A method sees a model and its context only, and never imports another method; move what both need to methods/shared/.',
  },
  {
    folder: 'methods',
    floor: 'methods and models',
    mayImport: ['engine/definitions', 'methods/*'],
    instead: 'The list of methods imports methods and nothing else.',
  },
  {
    folder: 'models',
    floor: 'methods and models',
    mayImport: ['contracts', 'numerics/tensor', 'numerics/onnx', 'engine/definitions', 'engine/model'],
    instead: 'A model builds a graph from its files; run it elsewhere.',
  },
  {
    folder: 'datasets',
    floor: 'methods and models',
    mayImport: ['contracts', 'numerics/tensor'],
    instead: 'A dataset decodes rows; it may import contracts and numbers only.',
  },
  {
    folder: 'studies',
    floor: 'methods and models',
    mayImport: ['contracts', 'numerics/statistics'],
    instead: 'A study is a question about entries; the command line measures and judges it.',
  },
  ...(
    [
      ['harness/sandbox', 'The sandbox knows paths and commands only; take them as arguments.'],
      ['harness/process', 'A process knows no trial; take what it runs as an argument.'],
      ['harness/measure', 'Measuring knows an artifact and its model only; take anything else as an argument.'],
      ['harness/plan', REGISTERED_REMEDY],
      ['harness/judge', 'Judging knows an artifact, its model and its items only; take anything else as an argument.'],
      ['harness/trial', REGISTERED_REMEDY],
      ['harness/fleet', REGISTERED_REMEDY],
    ] as const
  ).map(([folder, instead]) => ({ folder, floor: 'bench', mayImport: below(HARNESS, folder), instead })),
  {
    folder: 'drizzle',
    floor: 'board',
    mayImport: ['contracts'],
    packages: ['better-sqlite3', 'drizzle-orm'],
    instead: 'The store knows rows only: import contracts, and take everything else as an argument.',
  },
  {
    folder: 'board/derive',
    floor: 'board',
    mayImport: ['contracts', 'numerics/tensor', 'numerics/statistics', 'drizzle'],
    instead: 'What is derived comes from stored rows alone; take anything else as an argument.',
  },
  {
    folder: 'board/publish',
    floor: 'board',
    mayImport: ['contracts', 'numerics/tensor', 'numerics/statistics', 'drizzle', 'board/derive'],
    packages: ['better-sqlite3'],
    instead: 'Publishing writes what is derived; take anything else as an argument.',
  },
  {
    folder: 'site',
    floor: 'board',
    mayImport: ['contracts', 'drizzle'],
    instead: 'No numeric code in the Next build: read the store through drizzle/queries.ts, words from contracts/.',
  },
  {
    folder: 'cli/setup',
    floor: 'command line',
    mayImport: [...HARNESS, ...BOARD, ...REGISTERED],
    instead: 'Nothing here prints tables: return values and let cli/render show them.',
  },
  {
    folder: 'cli/render',
    floor: 'command line',
    mayImport: [...HARNESS, ...BOARD, 'studies', 'cli/setup'],
    instead: 'Rendering turns values into text; take the values as arguments.',
  },
  {
    folder: 'cli/gpu',
    floor: 'command line',
    mayImport: [...HARNESS, 'cli/setup', 'cli/render'],
    instead: 'Take what the archive needs from cli/setup.',
  },
  {
    folder: 'cli/website',
    floor: 'command line',
    mayImport: [...HARNESS, ...BOARD, 'cli/setup', 'cli/render'],
    instead: 'Take what the site is built from out of board/publish.',
  },
  {
    folder: 'cli/commands',
    floor: 'command line',
    mayImport: [...HARNESS, ...BOARD, ...REGISTERED, ...COMMAND_LINE],
    instead: 'Commands do not import commands; move what both need to cli/setup or cli/render.',
  },
  {
    folder: 'cli/authors',
    floor: 'command line',
    mayImport: [...HARNESS, ...BOARD, ...REGISTERED, ...COMMAND_LINE],
    instead: 'Move what commands and authors’ tools share to cli/setup or cli/render.',
  },
  {
    folder: 'cli',
    floor: 'command line',
    mayImport: ['contracts', ...COMMAND_LINE, 'cli/commands'],
    instead: 'The entry only hands arguments to a command.',
  },
  {
    folder: 'scripts',
    floor: 'benchmarks and generators',
    mayImport: [...HARNESS, ...BOARD, ...REGISTERED, 'methods/shared', ...COMMAND_LINE, 'cli/commands', 'test'],
    instead: 'Scripts may import everything but the site.',
  },
];

/** The room a file of the repository lies in; undefined for what no rule covers (tests, settings). */
export function roomOf(path: string): Room | undefined {
  const [top = '', second = '', third] = path.split('/');
  const names =
    third === undefined ? [top] : top === 'methods' && second !== 'shared' ? ['methods/*'] : [`${top}/${second}`, top];
  for (const name of names) {
    const room = ROOMS.find(({ folder }) => folder === name);
    if (room) return room;
  }
  return undefined;
}

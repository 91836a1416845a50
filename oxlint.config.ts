/**
 * Lint rules. The import arrows of ARCHITECTURE.md are stated here once, as a table: a folder, what it may not import,
 * and what to do instead. test/lint.test.ts plants a breach of each row and sees it reported.
 */
import { readdirSync } from 'node:fs';
import { defineConfig } from 'oxlint';
import { FAMILIES } from './harness/contracts/method.ts';

/** The store's modules but the one that others ask; named, since the linter's expressions cannot say "but". */
const STORE_MODULES = readdirSync(new URL('drizzle', import.meta.url))
  .filter((name) => name.endsWith('.ts') && name !== 'queries.ts')
  .map((name) => name.slice(0, -'.ts'.length));

interface Arrow {
  readonly folder: string;
  readonly forbidden: readonly { readonly specifier: string; readonly instead: string }[];
}

/** A relative import that enters one of these folders, from wherever it is written. */
function into(...folders: readonly string[]): string {
  return `^\\.{1,2}/(.*/)?(${folders.join('|')})/`;
}

const noTests = {
  specifier: into('test'),
  instead: 'Nothing outside test/ may import it; move what is shared into the layer that owns it.',
};
const noRuntimePackage = {
  specifier: '^onnxruntime',
  instead: 'Only harness/runtime talks to onnxruntime; call createSession of harness/runtime/session.ts.',
};
const noUnits = {
  specifier: into('methods', 'models', 'datasets'),
  instead: 'The harness names no method, model or dataset; take it as an argument, harness/cli passes it in.',
};
const noStore = {
  specifier: into('drizzle'),
  instead: 'Return rows (harness/contracts/result.ts); harness/cli writes them to the store.',
};
const noSteering = {
  specifier: into('jobs', 'cli', 'derive'),
  instead: 'Steering depends on this folder, not the other way; take what you need as an argument.',
};
const noSite = {
  specifier: into('site'),
  instead: 'The site is the end of the way and nothing imports it; move what is shared into the layer that owns it.',
};
const noSight = {
  specifier: into('evaluate', 'measure', 'jobs', 'cli', 'hub', 'datasets', 'models', 'drizzle'),
  instead: 'A method sees a model and its context only; take data from context.calibration or context.training.',
};
export const ARROWS: readonly Arrow[] = [
  {
    folder: 'harness/contracts',
    forbidden: [
      {
        specifier: into('runtime', 'autodiff', 'training', 'calibrate', 'evaluate', 'measure', 'jobs', 'cli', 'hub'),
        instead: 'Contracts are types and schemas; move behaviour to the folder that does the work.',
      },
    ],
  },
  {
    folder: 'harness/tensor',
    forbidden: [
      {
        specifier: into(
          'onnx',
          'runtime',
          'autodiff',
          'training',
          'calibrate',
          'evaluate',
          'measure',
          'jobs',
          'cli',
          'model',
          'hub',
        ),
        instead: 'harness/tensor is the ground floor: pure, no imports but contracts/errors.ts; pass values in.',
      },
    ],
  },
  {
    folder: 'harness/onnx',
    forbidden: [
      {
        specifier: into(
          'runtime',
          'autodiff',
          'training',
          'calibrate',
          'evaluate',
          'measure',
          'jobs',
          'cli',
          'model',
          'hub',
        ),
        instead: 'harness/onnx is bytes and graphs only; what runs a graph belongs in harness/runtime or above.',
      },
    ],
  },
  {
    folder: 'harness/autodiff',
    forbidden: [
      {
        specifier: into('runtime', 'training', 'calibrate', 'evaluate', 'measure', 'jobs', 'cli', 'model', 'hub'),
        instead: 'harness/autodiff emits ONNX nodes and runs none; return a graph and let harness/training run it.',
      },
    ],
  },
  {
    folder: 'harness/runtime',
    forbidden: [
      {
        specifier: into('autodiff', 'training', 'calibrate', 'evaluate', 'measure', 'jobs', 'cli', 'hub'),
        instead: 'harness/runtime runs graphs and knows no purpose; put the purpose in the folder that calls it.',
      },
    ],
  },
  { folder: 'harness/calibrate', forbidden: [noSteering] },
  { folder: 'harness/training', forbidden: [noSteering] },
  { folder: 'harness/evaluate', forbidden: [noSteering] },
  { folder: 'harness/measure', forbidden: [noSteering] },
  { folder: 'harness/model', forbidden: [noSteering] },
  { folder: 'harness/hub', forbidden: [noSteering] },
  {
    folder: 'harness/jobs',
    forbidden: [
      {
        specifier: into('cli'),
        instead: 'harness/cli calls harness/jobs; return values or take a callback instead of printing.',
      },
    ],
  },
  {
    folder: 'harness/derive',
    forbidden: [
      {
        specifier: into(
          'onnx',
          'runtime',
          'autodiff',
          'training',
          'calibrate',
          'measure',
          'jobs',
          'cli',
          'model',
          'hub',
        ),
        instead: 'What is derived comes from stored rows alone; take anything else as an argument.',
      },
    ],
  },
  { folder: 'methods/shared', forbidden: [noSight] },
  {
    folder: `methods/{${FAMILIES.join(',')}}`,
    forbidden: [
      noSight,
      {
        specifier: `^(\\./|\\.\\./(${FAMILIES.join('|')})/)`,
        instead: 'A method never imports another; move what both need to methods/shared/.',
      },
    ],
  },
  {
    folder: 'models',
    forbidden: [
      {
        specifier: into('runtime', 'calibrate', 'evaluate', 'measure', 'jobs', 'cli', 'methods', 'datasets', 'drizzle'),
        instead: 'A model builds a graph from its files; it may import contracts, onnx, tensor and harness/model.',
      },
    ],
  },
  {
    folder: 'datasets',
    forbidden: [
      {
        specifier: into('runtime', 'calibrate', 'evaluate', 'measure', 'jobs', 'cli', 'methods', 'models', 'drizzle'),
        instead: 'A dataset decodes rows; it may import contracts and tensor.',
      },
    ],
  },
  {
    folder: 'drizzle',
    forbidden: [
      noUnits,
      {
        specifier: into(
          'tensor',
          'onnx',
          'runtime',
          'autodiff',
          'training',
          'calibrate',
          'evaluate',
          'measure',
          'jobs',
          'cli',
          'model',
          'hub',
        ),
        instead: 'The store knows rows only: import harness/contracts, and take everything else as an argument.',
      },
    ],
  },
  {
    folder: 'site',
    forbidden: [
      {
        specifier: into('harness', 'methods', 'models', 'datasets', 'scripts'),
        instead: 'No numeric code in the Next build: read the store through drizzle/queries.ts.',
      },
      {
        specifier: `^\\.{1,2}/(.*/)?drizzle/(${STORE_MODULES.join('|')})\\.ts$`,
        instead: 'The site asks drizzle/queries.ts and knows no table; re-export there what is missing.',
      },
      {
        specifier: '^(better-sqlite3|drizzle-orm)(/|$)',
        instead: 'The site asks drizzle/queries.ts and knows no database.',
      },
    ],
  },
];

function restrict(forbidden: Arrow['forbidden']): ['error', object] {
  return ['error', { patterns: forbidden.map(({ specifier, instead }) => ({ regex: specifier, message: instead })) }];
}

/** The rows of harness/ that other folders may be asked of too. */
const inHarness = (folder: string) => folder.startsWith('harness/') && folder !== 'harness/contracts';

/** Between the store and the site: reads rows, keeps what it derives from them. */
const readsStore = (folder: string) => folder === 'harness/derive';

export default defineConfig({
  plugins: ['typescript', 'import', 'unicorn', 'oxc'],
  categories: { correctness: 'error', suspicious: 'error', perf: 'error' },
  ignorePatterns: ['harness/onnx/protobuf/onnx_pb.*', 'drizzle/migrations/**', '.shrinkrank/**'],
  rules: {
    'import/no-cycle': 'error',
    'typescript/no-explicit-any': 'error',
    'typescript/no-non-null-assertion': 'error',
    'typescript/consistent-type-imports': 'error',
    'eslint/eqeqeq': 'error',
    'eslint/no-await-in-loop': 'off',
    'eslint/no-shadow': 'off',
    'unicorn/no-array-sort': 'off',
    'unicorn/no-array-reverse': 'off',
    'unicorn/consistent-function-scoping': 'off',
    'import/no-unassigned-import': 'off',
    'import/no-named-as-default-member': 'off',
    'import/no-named-as-default': 'off',
    'oxc/no-map-spread': 'off',
  },
  overrides: ARROWS.map(({ folder, forbidden }) => ({
    files: [`${folder}/**`],
    rules: {
      'eslint/no-restricted-imports': restrict([
        ...forbidden,
        noTests,
        ...(folder === 'site' ? [] : [noSite]),
        ...(folder === 'harness/runtime' ? [] : [noRuntimePackage]),
        ...(inHarness(folder) ? [noUnits] : []),
        ...(inHarness(folder) && !readsStore(folder) ? [noStore] : []),
      ]),
    },
  })),
});

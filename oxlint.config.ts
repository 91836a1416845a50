/**
 * Lint rules. What a folder may import comes from import-table.ts: each row becomes a rule against every other folder,
 * whose message says what to do instead. test/lint.test.ts plants breaches and sees them reported.
 */
import { readdirSync } from 'node:fs';
import { defineConfig, type OxlintOverride } from 'oxlint';
import { FAMILIES } from './contracts/taxonomy.ts';
import { ROOMS, type Room } from './import-table.ts';

interface Restriction {
  readonly regex: string;
  readonly message: string;
}

/**
 * Files whose inner loops index typed arrays: only here and in tests may `x[i]!` stand. Everywhere else an index that may
 * miss is checked: for…of with entries, destructuring, `present` of contracts/present.ts.
 */
const NUMERIC_KERNELS: readonly string[] = [
  'drizzle/column-blob.ts',
  'numerics/tensor/**',
  'numerics/statistics/**',
  'engine/calibrate/activation-ranges.ts',
  'engine/calibrate/fisher.ts',
  'engine/model/safetensors.ts',
  'engine/runtime/linear-algebra.ts',
  'engine/runtime/statistics.ts',
  'engine/training/fake-quantize.ts',
  'engine/training/lora.ts',
  'harness/measure/count-parameters.ts',
  'harness/measure/quantized-weights.ts',
  'methods/architecture/bottleneck-student.ts',
  'methods/architecture/ffn-slice.ts',
  'methods/architecture/linear-attention.ts',
  'methods/combined/quantize-lowrank-correction.ts',
  'methods/combined/svd-quantize.ts',
  'methods/distillation/block-linearization.ts',
  'methods/distillation/layerwise-frozen.ts',
  'methods/low-rank/fwsvd.ts',
  'methods/low-rank/losparse.ts',
  'methods/pruning/consecutive-layers.ts',
  'methods/pruning/dsnot.ts',
  'methods/pruning/flap.ts',
  'methods/pruning/k-prune.ts',
  'methods/pruning/layer-drop.ts',
  'methods/pruning/magnitude.ts',
  'methods/pruning/ria.ts',
  'methods/pruning/structured-distilled.ts',
  'methods/pruning/structured-heads-neurons.ts',
  'methods/pruning/wanda.ts',
  'methods/quantization/awq.ts',
  'methods/quantization/hqq.ts',
  'methods/quantization/int8-dynamic.ts',
  'methods/quantization/k-quants.ts',
  'methods/quantization/kmeans.ts',
  'methods/quantization/qat.ts',
  'methods/quantization/qlora-recovery.ts',
  'methods/quantization/smoothquant.ts',
  'methods/sharing/basis-sharing.ts',
  'methods/sharing/recursive-lora.ts',
  'methods/sharing/tie-layers.ts',
  'methods/shared/formats/**',
  'methods/sharing/weight-clustering.ts',
  'methods/shared/solvers/**',
  'methods/shared/surgery/**',
  'models/shared/byte-pair-learner.ts',
  'models/shared/byte-pair-tokenizer.ts',
  'models/shared/llama2c-tokenizer.ts',
  'models/shared/merge-queue.ts',
  'models/shared/transpose.ts',
  'scripts/bench-linear-algebra.ts',
];

/** The store's modules but the one that others ask; named, since the linter's expressions cannot say "but". */
const STORE_MODULES = readdirSync(new URL('drizzle', import.meta.url))
  .filter((name) => name.endsWith('.ts') && name !== 'queries.ts')
  .map((name) => name.slice(0, -'.ts'.length));

/** Relative imports that enter `target`, written in a file of `room`. */
function into(room: Room, target: string): string {
  if (target === 'methods/*') {
    const families = FAMILIES.join('|');
    if (room.folder === 'methods/*') return `^(\\./|\\.\\./(${families})/)`;
    return room.folder === 'methods/shared' ? `^(\\.\\./)+(${families})/` : `^(\\.\\./)+methods/(${families})/`;
  }
  const [top = '', second] = target.split('/');
  if (second === undefined) {
    // Of a folder with rooms, only the files that lie in no room.
    const rooms = ROOMS.some(({ folder }) => folder.startsWith(`${target}/`));
    // The files of methods/shared lie one folder deeper, and no module lies between.
    if (room.folder === 'methods/shared' && target === 'methods') return '^(\\.\\./)+[^/]+$';
    if (rooms && room.folder.startsWith(`${target}/`)) return '^\\.\\./[^/]+$';
    return `^(\\.\\./)+${top}/${rooms ? '[^/]+$' : ''}`;
  }
  if (room.folder === top) return `^\\./${second}/`;
  return room.folder.startsWith(`${top}/`) ? `^(\\.\\./)+(${top}/)?${second}/` : `^(\\.\\./)+${top}/${second}/`;
}

/** What files of a room may not import. */
export function restrictionsOf(room: Room): readonly Restriction[] {
  const { folder, mayImport, instead } = room;
  const message = `${folder} may import ${mayImport.join(', ') || 'no other folder'}. ${instead}`;
  const targets = ROOMS.map((other) => other.folder).filter((other) => !mayImport.includes(other));
  const packages = [...new Set(ROOMS.flatMap(({ packages = [] }) => packages))].filter(
    (name) => !room.packages?.includes(name),
  );
  return [
    ...targets
      .filter((other) => other !== folder || other === 'methods/*')
      .map((other) => ({ regex: into(room, other), message })),
    ...(folder === 'scripts'
      ? []
      : [
          {
            regex: '^(\\.\\./)+test/',
            message: 'Nothing outside test/ may import it; move what is shared into the layer that owns it.',
          },
        ]),
    ...packages.map((name) => ({
      regex: `^${name}(/|$)`,
      message: `Only ${ROOMS.filter((other) => other.packages?.includes(name))
        .map((other) => other.folder)
        .join(', ')} talks to ${name}. ${instead}`,
    })),
    ...(folder === 'site'
      ? [
          {
            regex: `^(\\.\\./)+drizzle/(${STORE_MODULES.join('|')})\\.ts$`,
            message: 'The site asks drizzle/queries.ts and knows no table; re-export there what is missing.',
          },
        ]
      : []),
  ];
}

/** Files of a room; of a folder with rooms, those that lie in none. */
function filesOf({ folder }: Room): readonly string[] {
  if (folder === 'methods/*') return [`methods/{${FAMILIES.join(',')}}/**`];
  const rooms = ROOMS.some((other) => other.folder.startsWith(`${folder}/`));
  return [rooms ? `${folder}/*.ts` : `${folder}/**`];
}

export default defineConfig({
  plugins: ['typescript', 'import', 'unicorn', 'oxc'],
  categories: { correctness: 'error', suspicious: 'error', perf: 'error' },
  ignorePatterns: ['numerics/onnx/protobuf/onnx_pb.*', 'drizzle/migrations/**', '.shrinkrank/**'],
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
  overrides: [
    ...ROOMS.map((room): OxlintOverride => ({
      files: [...filesOf(room)],
      rules: { 'eslint/no-restricted-imports': ['error', { patterns: [...restrictionsOf(room)] }] },
    })),
    { files: [...NUMERIC_KERNELS, 'test/**'], rules: { 'typescript/no-non-null-assertion': 'off' } },
  ],
});

import { defineConfig } from 'vitest/config';

/** Tests that kill processes, fill disks, share a machine or measure: beside others they would see what is not theirs. */
const ALONE = [
  'test/harness/fleet/fleet.slow.test.ts',
  'test/harness/trial/{kill,hostile}.slow.test.ts',
  'test/harness/measure/**/*.slow.test.ts',
];

/** `unit` is what `npm run verify` runs, under a minute; `slow` has the tests that start many processes or real models,
 * `alone` those of them that want the machine for themselves; `site` builds the site once and drives it in a browser. */
export default defineConfig({
  test: {
    // The machine is never quiet while tests run beside each other.
    env: { SHRINKRANK_PATIENCE_SECONDS: '0' },
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Vitest leaves a core free by default, which is half of a small machine.
    maxWorkers: 2,
    projects: [
      { extends: true, test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: ['test/**/*.slow.test.ts'] } },
      {
        extends: true,
        test: {
          name: 'slow',
          include: ['test/**/*.slow.test.ts'],
          exclude: ['test/site/**', ...ALONE],
          testTimeout: 600_000,
          hookTimeout: 600_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'alone',
          include: ALONE,
          testTimeout: 600_000,
          hookTimeout: 600_000,
          fileParallelism: false,
        },
      },
      {
        extends: true,
        test: {
          name: 'site',
          include: ['test/site/**/*.slow.test.ts'],
          globalSetup: 'test/support/built-site.ts',
          testTimeout: 120_000,
          hookTimeout: 600_000,
        },
      },
    ],
  },
});

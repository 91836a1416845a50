import { expect, it } from 'vitest';
import { timeBothOrders } from '../../../harness/measure/time-both-orders.ts';

it('cancels the advantage of going first within every round', async () => {
  let time = 0;
  let last = '';
  // Whoever follows the other pays 8 % more.
  const side = (name: string) => async () => {
    time += last !== '' && last !== name ? 2.16 : 2;
    last = name;
  };
  const { samplesMs, denseSamplesMs } = await timeBothOrders(
    { candidate: side('candidate'), dense: side('dense') },
    { warmUpRuns: 0, warmUpMs: 0, rounds: 6, minimumSampleMs: 1, now: () => time },
  );
  expect(samplesMs).toHaveLength(6);
  const ratios = samplesMs.map((ms, round) => (denseSamplesMs[round] ?? 0) / ms);
  for (const ratio of ratios.slice(1)) expect(ratio).toBeCloseTo(1, 12);
});

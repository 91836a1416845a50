import { expect, it } from 'vitest';
import { runnerName, weightClassTitle } from '../../../contracts/words/board.ts';
import { machineOf } from '../../support/rows.ts';

it('names each weight class by both bounds', () => {
  expect([null, 2, 16].map((weightClass) => weightClassTitle(weightClass, [2, 4, 16]))).toEqual([
    'less than 2× smaller',
    '2× to 4× smaller',
    '16× smaller and more',
  ]);
});

const machine = machineOf();

it('names a runner by its processor, and says so where there is no runner', () => {
  expect(runnerName({ provider: 'cpu', machine })).toBe(`cpu · ${machine.cpuModel}, ${machine.cores} cores`);
  expect(runnerName(null)).toBe('no speed measured');
});

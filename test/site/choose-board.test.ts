import { describe, expect, it } from 'vitest';
import { chooseBoard } from '../../site/lib/choose-board.ts';

const boards = [
  ['small', 'sst2', 'cpu'],
  ['small', 'sts-b', 'cpu'],
  ['small', 'sts-b', 'gpu'],
  ['large', 'mnli', 'cpu'],
  ['large', 'sts-b', 'gpu'],
].map(([model = '', task = '', runner = '']) => ({
  id: `${model} ${task} ${runner}`,
  model,
  task,
  runner,
  runnerName: runner,
}));
const usual = { model: 'small', task: 'sts-b', runner: 'cpu' };

function chosen(query: string, among = boards) {
  const { choice, missing } = chooseBoard(among, usual, new URLSearchParams(query));
  return [choice?.id ?? null, missing];
}

describe('chooseBoard', () => {
  it('shows the usual board where the address names none', () => {
    expect(chosen('')).toEqual(['small sts-b cpu', null]);
  });

  it('finds a board by the model alone, the task alone or the runner alone', () => {
    expect(chosen('model=large')).toEqual(['large sts-b gpu', null]);
    expect(chosen('task=mnli')).toEqual(['large mnli cpu', null]);
    expect(chosen('runner=gpu')).toEqual(['small sts-b gpu', null]);
    expect(chosen('model=small&task=sst2')).toEqual(['small sst2 cpu', null]);
  });

  it('names what no board has, and keeps to the rest', () => {
    expect(chosen('model=huge')).toEqual(['small sts-b cpu', 'model huge']);
    expect(chosen('model=large&task=sst2')).toEqual(['large sts-b gpu', 'task sst2']);
    expect(chosen('model=large&task=mnli&runner=gpu')).toEqual(['large mnli cpu', 'runner gpu']);
    expect(chosen('model=small', [])).toEqual([null, 'model small']);
  });
});

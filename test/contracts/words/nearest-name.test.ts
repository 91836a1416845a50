import { describe, expect, it } from 'vitest';
import { editDistance, nearestName } from '../../../contracts/words/nearest-name.ts';

describe('editDistance', () => {
  it.each([
    ['', '', 0],
    ['abc', '', 3],
    ['kitten', 'sitting', 3],
    ['gtpq', 'gptq', 1],
    ['ca', 'abc', 3],
  ])('from %j to %j is %i, both ways', (first, second, distance) => {
    expect(editDistance(first, second)).toBe(distance);
    expect(editDistance(second, first)).toBe(distance);
  });
});

describe('nearestName', () => {
  it.each([
    ['bord', ['run', 'board', 'list'], 'board'],
    ['--mehtods', ['--models', '--methods'], '--methods'],
    ['GPTQ', ['gptq', 'rtn'], 'gptq'],
    ['fly', ['run', 'list', 'show'], undefined],
    ['w5', ['w4g32', 'w8g32'], undefined],
    ['anything', [], undefined],
  ])('of %j among %j is %j', (name, known, nearest) => {
    expect(nearestName(name, known)).toBe(nearest);
  });
});

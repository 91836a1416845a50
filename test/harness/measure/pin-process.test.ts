import { expect, it } from 'vitest';
import { allowedCores, pinProcess } from '../../../harness/measure/pin-process.ts';

it('reads the cores a process may use', () => {
  expect(allowedCores('Name:\tnode\nCpus_allowed_list:\t0-2,5,8-9\n')).toEqual([0, 1, 2, 5, 8, 9]);
  expect(allowedCores('')).toEqual([]);
});

it.runIf(process.platform === 'linux')('binds this process to one of its cores, and back', () => {
  const cores = allowedCores();
  expect(cores.length).toBeGreaterThan(0);
  expect(pinProcess(cores.slice(0, 1))).toBe(true);
  expect(allowedCores()).toEqual(cores.slice(0, 1));
  expect(pinProcess(cores)).toBe(true);
  expect(allowedCores()).toEqual(cores);
});

it('says where no process can be bound', () => {
  expect(pinProcess([])).toBe(false);
});

import { expect, it } from 'vitest';
import { newRunId } from '../../../cli/setup/run-id.ts';

it('contains second and suite, and is unique within a process and second', () => {
  const ids = Array.from({ length: 100 }, () => newRunId('2026-12-01T02:46:40.123Z', 'quick'));
  for (const id of ids) expect(id).toMatch(/^20261201T024640-quick-[0-9a-f]{8}$/);
  expect(new Set(ids).size).toBe(ids.length);
});

import { describe, expect, it } from 'vitest';
import { contentHash } from '../../datasets/shared/content-hash.ts';
import mrpc from '../../datasets/mrpc.ts';
import rte from '../../datasets/rte.ts';
import sst2 from '../../datasets/sst2.ts';
import type { HubClient } from '../../contracts/dataset.ts';
import { IntegrityError } from '../../contracts/errors.ts';
import { cachedHub, noHubCache } from '../support/hub-cache.ts';

describe.skipIf(noHubCache)(`GLUE${noHubCache ? ` (${noHubCache})` : ''}`, () => {
  it.each([
    { id: 'sst2', dataset: sst2, rows: 872, ofClassOne: 444 },
    { id: 'mrpc', dataset: mrpc, rows: 408, ofClassOne: 279 },
    { id: 'rte', dataset: rte, rows: 277, ofClassOne: 131 },
  ])('$id has the published validation rows as its test split', async ({ dataset, rows, ofClassOne }) => {
    const { test } = await dataset.load(cachedHub());
    expect(test).toHaveLength(rows);
    expect(test.filter(({ label }) => label === 1)).toHaveLength(ofClassOne);
  });

  it('accepts a file with other rows only if it is the hub’s own', async () => {
    const rows = await rte.load(cachedHub());
    const unpinned = { ...rte, contentHash: 'ab'.repeat(32) };
    expect(contentHash(await unpinned.load(cachedHub()))).toBe(contentHash(rows));
    const swapped: HubClient = {
      file: (request) => cachedHub().file({ ...request, path: request.path.replace('mrpc/train', 'mrpc/validation') }),
    };
    await expect(mrpc.load(swapped)).rejects.toThrow('expected 3668 rows, got 408');
    await expect(mrpc.load(otherRows(cachedHub()))).rejects.toThrow(IntegrityError);
  });
});

/** MRPC's table with one byte of a text changed. */
function otherRows(hub: HubClient): HubClient {
  return {
    async file(request) {
      const bytes = Uint8Array.from(await hub.file(request));
      const at = Buffer.from(bytes).indexOf('Amrozi');
      if (at >= 0) bytes[at] = 'B'.charCodeAt(0);
      return bytes;
    },
  };
}

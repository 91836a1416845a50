import { describe, expect, it } from 'vitest';
import definition, { splitStories } from '../../datasets/tinystories.ts';
import type { HubFileRequest } from '../../contracts/dataset.ts';
import { cachedHub, noHubCache } from '../support/hub-cache.ts';

describe('splitStories', () => {
  it('strips stories, drops empty ones and the truncated last one', () => {
    const stories = splitStories(' One.\n<|endoftext|>\n\n<|endoftext|>\nTwo.\n\nMore.\n<|endoftext|>\nThree is c');
    expect(stories).toEqual([
      { id: 'story-00000', text: 'One.' },
      { id: 'story-00001', text: 'Two.\n\nMore.' },
    ]);
  });
});

describe.skipIf(noHubCache)(`tinystories${noHubCache ? ` (${noHubCache})` : ''}`, () => {
  it('fetches only the verified slice, and splits it in random order', async () => {
    const requests: HubFileRequest[] = [];
    const hub = cachedHub();
    const splits = await definition.load({
      file(request) {
        requests.push(request);
        return hub.file(request);
      },
    });
    expect(requests).toHaveLength(1);
    expect(requests[0]).toMatchObject({ range: { start: 0, end: 2_097_152 }, sha256: expect.any(String) });
    expect(splits.test).toHaveLength(60);
    expect(splits.validation).toHaveLength(60);
    expect(splits.calibration).toHaveLength(256);
    expect(splits.training).toHaveLength(1940);
    const positions = splits.test.map(({ id }) => Number(id.slice('story-'.length)));
    // The mean of 60 of 2,316 positions lies within a sixth of the middle with a probability above 0.9999.
    expect(Math.abs(positions.reduce((sum, at) => sum + at, 0) / 60 - 1158)).toBeLessThan(386);
  });
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { drawFloors, floorsSection } from '../../scripts/draw-floors.ts';
import { replaceGenerated } from '../../scripts/generated-section.ts';
import { circlesOf, readImportGraph, REPOSITORY_ROOT } from '../../scripts/import-graph.ts';

describe('the drawing of the floors', () => {
  it('in ARCHITECTURE.md is current; `node scripts/draw-floors.ts` draws it again', () => {
    const text = readFileSync(join(REPOSITORY_ROOT, 'ARCHITECTURE.md'), 'utf8');
    expect(replaceGenerated(text, floorsSection(readImportGraph()))).toBe(text);
  });

  it('shows folders of the same floor by name and lower floors in brackets, the highest floor on top', () => {
    const lines = drawFloors(
      new Map([
        ['harness/judge/a.ts', ['harness/plan/b.ts', 'contracts/c.ts', 'harness/judge/other.ts']],
        ['contracts/c.ts', []],
      ]),
    ).split('\n');
    const judge = lines.findIndex((line) => line.includes('harness/judge'));
    expect(lines[judge]).toMatch(/harness\/judge +→ plan; \[shared words\]/);
    expect(lines.findIndex((line) => line.includes('contracts'))).toBeGreaterThan(judge);
    expect(new Set(lines.map((line) => line.length)).size).toBe(1);
  });

  it('needs its markers', () => {
    expect(() => replaceGenerated('# no markers', floorsSection(new Map()))).toThrow(/expected the lines/);
  });
});

describe('circlesOf', () => {
  it('finds a circle once, and none where there is none', () => {
    expect(
      circlesOf(
        new Map([
          ['a', ['b']],
          ['b', ['c']],
          ['c', ['a']],
        ]),
      ),
    ).toEqual(['a -> b -> c -> a']);
    expect(
      circlesOf(
        new Map([
          ['a', ['b', 'c']],
          ['b', ['c']],
          ['c', []],
        ]),
      ),
    ).toEqual([]);
  });
});

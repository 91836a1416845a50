import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { methodRegistrations } from '../../../cli/setup/registry.ts';
import { changedMethods } from '../../../cli/authors/changed-methods.ts';

const root = resolve(import.meta.dirname, '../../..');
const changed = (...files: readonly string[]) => changedMethods(methodRegistrations, { files, root });

describe('changedMethods', () => {
  it('names the method whose file has changed', () => {
    expect(changed('methods/quantization/rtn.ts', 'README.md')).toEqual(['rtn']);
  });

  it('names every method that loads a changed file, and no other', () => {
    const found = changed('methods/shared/solvers/sparsegpt-layer.ts');
    expect(found).toContain('sparsegpt');
    expect(found).not.toContain('rtn');
  });

  it('names none where no file that a method loads has changed', () => {
    expect(changed('README.md', 'site/app/page.tsx', '')).toEqual([]);
  });

  it('names none for files that every method imports: the contract suite tests such a change', () => {
    expect(changed('engine/definitions/method.ts', 'numerics/onnx/write.ts')).toEqual([]);
  });
});

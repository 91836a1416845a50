import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { modelFindingsOf } from '../../../cli/setup/doctor-model.ts';

it('describes a model in a folder and its requirements', async () => {
  const root = mkdtempSync(join(tmpdir(), 'doctor-model-'));
  try {
    const folder = join(root, 'tiny');
    cpSync(new URL('../../golden/transformers/llama3', import.meta.url).pathname, folder, { recursive: true });
    const vocab = Object.fromEntries(Array.from({ length: 61 }, (_, id) => [`t${id}`, id]));
    writeFileSync(
      join(folder, 'tokenizer.json'),
      JSON.stringify({ model: { type: 'WordPiece', unk_token: 't0', vocab } }),
    );
    const findings = new Map((await modelFindingsOf(folder)).map(({ subject, text }) => [subject, text]));
    expect(findings.get('model')).toMatch(/^local-tiny: tiny, revision [0-9a-f]{12}$/);
    expect(findings.get('architecture')).toBe('llama, decoder, 2 layers of 36 features, 14 linear layers in them');
    // Embedding and head 61 · 36 each, two layers of 2 (36 · 60 + 36 · 20) + 3 · 36 · 52 with biases and norms, a norm.
    const layer = 2 * (36 * 60 + 36 * 20) + 3 * 36 * 52 + (60 + 20 + 20 + 36) + (52 + 52 + 36) + 2 * 36;
    expect(findings.get('parameters')).toContain((2 * 61 * 36 + 2 * layer + 36).toLocaleString('en'));
    expect(findings.get('context')).toBe('24 tokens');
    expect(findings.get('tokenizer')).toBe('61 tokens, nothing before each input');
    expect(findings.get('time')).toMatch(/^\d+\.\d s per 1,000 tokens/);
  } finally {
    rmSync(root, { recursive: true });
  }
});

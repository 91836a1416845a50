import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { filesInMemory } from '../../../engine/model/files-in-memory.ts';
import { readStateDict } from '../../../engine/model/pickle.ts';
import { openTensors } from '../../../engine/model/safetensors.ts';
import golden from '../../golden/pickles/state.json' with { type: 'json' };

const bytesOf = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(new URL(`../../golden/pickles/${name}`, import.meta.url)));
const open = (bytes: Uint8Array) => openTensors(filesInMemory('model', new Map([['pytorch_model.bin', bytes]])));

describe('pytorch_model.bin', () => {
  it('returns the tensors that torch.save wrote: float32, float16, bfloat16, tied ones and views', async () => {
    const store = await open(bytesOf('state.bin'));
    expect([...store.tensors.keys()]).toEqual(Object.keys(golden));
    for (const [name, { dims, values }] of Object.entries(golden)) {
      expect([...(await store.read(name, dims))], name).toEqual(values.map(Math.fround));
    }
    await store.close();
  });

  it.each([
    ['evil.bin', /GLOBAL "(posix|nt)\.system" at byte \d+; only state dicts of tensors are read, and no code/],
    ['evil-4.bin', /GLOBAL "(posix|nt)\.system" at byte \d+/],
    ['nested.bin', /an entry "nested" that is no tensor/],
    ['turned.bin', /tensor "turned" has the strides \[1, 4\]; only row-major ones are read/],
  ])('refuses %s', async (name, message) => {
    await expect(open(bytesOf(name))).rejects.toThrow(message);
  });

  it('refuses a file truncated anywhere, at once', async () => {
    const whole = bytesOf('state.bin');
    for (let end = 0; end < whole.length; end += 97) {
      await expect(open(whole.subarray(0, end)), `${end} bytes`).rejects.toThrow(
        /not a zip file as torch\.save writes/,
      );
    }
  });

  it('refuses or reads a file with a changed byte, and never reads beyond a storage', async () => {
    const whole = bytesOf('state.bin');
    let refused = 0;
    for (let at = 0; at < whole.length; at += 7) {
      const changed = whole.slice();
      changed[at] = (changed[at] ?? 0) ^ 0xff;
      const store = await open(changed).catch((error: unknown) => {
        expect((error as Error).name, `byte ${at}`).toMatch(/InputError/);
        refused++;
      });
      for (const { end } of store?.tensors.values() ?? []) expect(end).toBeLessThanOrEqual(whole.length);
    }
    expect(refused).toBeGreaterThan(50);
  });
});

describe('readStateDict', () => {
  const read = (...bytes: number[]) => readStateDict(Uint8Array.from(bytes), 'p');

  it('names opcode and byte of what it does not support', () => {
    expect(() => read(0x80, 2, 0x69)).toThrow(/p: opcode 0x69 \("i"\) at byte 2/);
    expect(() => read(0x81)).toThrow(/opcode 0x81/);
  });

  it('refuses invalid pickles: an empty stack, no mark, an empty memo, an end within an opcode, another result', () => {
    expect(() => read(0x2e)).toThrow(/an opcode on an empty stack at byte 0/);
    expect(() => read(0x74)).toThrow(/an opcode without a mark/);
    expect(() => read(0x68, 3)).toThrow(/BINGET of 3/);
    expect(() => read(0x4a, 1)).toThrow(/ends within an opcode/);
    expect(() => read(0x4e, 0x2e)).toThrow(/no dictionary/);
    expect(() => read(0x7d)).toThrow(/ends within an opcode at byte 1/);
  });

  it('does not grow the stack without bound', () => {
    expect(() => readStateDict(new Uint8Array(2 ** 20).fill(0x28), 'p')).toThrow(/stack too deep/);
  });
});

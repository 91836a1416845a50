import { describe, expect, it } from 'vitest';
import { InputError } from '../../../contracts/errors.ts';
import { readLlama2cCheckpoint } from '../../../models/shared/llama2c-checkpoint.ts';
import { llama2cFile } from '../../support/llama2c-reference.ts';
import { tinyLlamaParts } from '../../support/tiny-model.ts';

describe('readLlama2cCheckpoint', () => {
  it.each([true, false])('restores configuration and weights (tied: %s)', (tied) => {
    const { config, weights } = tinyLlamaParts({ tied });
    const read = readLlama2cCheckpoint(llama2cFile(config, weights));
    expect(read.config).toEqual(config);
    expect(read.weights).toEqual(weights);
  });

  it('reads bytes that do not start at a multiple of four', () => {
    const { config, weights } = tinyLlamaParts();
    const file = llama2cFile(config, weights);
    const shifted = new Uint8Array(file.byteLength + 1);
    shifted.set(file, 1);
    expect(readLlama2cCheckpoint(shifted.subarray(1)).weights).toEqual(weights);
  });

  it('refuses files that are truncated, too long or of another kind', () => {
    const { config, weights } = tinyLlamaParts();
    const file = llama2cFile(config, weights);
    const refused = (bytes: Uint8Array) => expect(() => readLlama2cCheckpoint(bytes));
    refused(file.subarray(0, -4)).toThrow(
      `expected ${file.byteLength} bytes according to its header, got ${file.byteLength - 4}`,
    );
    refused(Buffer.concat([file, new Uint8Array(4)])).toThrow(/fetch it again/);
    refused(file.subarray(0, 20)).toThrow(/too few for its header/);
    refused(Buffer.from('<!doctype html><html><head></head></html>')).toThrow(/not that of a version 0 file/);
    refused(new Uint8Array(28)).toThrow(InputError);
  });
});

import { InputError } from '../../contracts/errors.ts';

/** The value of a JSON file of a checkpoint. Throws InputError where the bytes are not JSON in UTF-8. */
export function parseJson(bytes: Uint8Array, label: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new InputError(`${label}: expected JSON in UTF-8: ${(cause as Error).message}; fetch the file again`, {
      cause,
    });
  }
}

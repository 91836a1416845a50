/**
 * Seeded random numbers, the same on every platform: sfc32 (Chris Doty-Humphrey, PractRand) seeded with the SHA-256 of
 * a label, so that streams with different labels are independent and a new stream changes no other.
 */
import { createHash } from 'node:crypto';

export interface Random {
  /** Uniform in [0, 1), 32 bits. */
  next(): number;
  /** Uniform integer in [0, bound); bound from 1 to 2^32. */
  integer(bound: number): number;
  /** Standard normal deviate (Box-Muller). */
  normal(): number;
  /** A shuffled copy (Fisher-Yates). */
  shuffle<T>(items: readonly T[]): T[];
  /** An independent stream named `label`; does not advance this one. */
  fork(label: string): Random;
}

export function createRandom(seed: string | number): Random {
  const digest = createHash('sha256').update(`shrinkrank:${seed}`).digest();
  let a = digest.readUInt32LE(0);
  let b = digest.readUInt32LE(4);
  let c = digest.readUInt32LE(8);
  let counter = 1;

  function uint32(): number {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + sum) | 0;
    return sum >>> 0;
  }
  for (let warmUp = 0; warmUp < 12; warmUp++) uint32();

  function integer(bound: number): number {
    const limit = 2 ** 32 - (2 ** 32 % bound);
    let value = uint32();
    while (value >= limit) value = uint32();
    return value % bound;
  }

  return {
    next: () => uint32() / 2 ** 32,
    integer,
    normal: () => Math.sqrt(-2 * Math.log((uint32() + 1) / 2 ** 32)) * Math.cos((2 * Math.PI * uint32()) / 2 ** 32),
    shuffle(items) {
      const shuffled = [...items];
      for (let i = shuffled.length - 1; i > 0; i--) {
        const j = integer(i + 1);
        [shuffled[i], shuffled[j]] = [
          shuffled[j] as (typeof shuffled)[number],
          shuffled[i] as (typeof shuffled)[number],
        ];
      }
      return shuffled;
    },
    fork: (label) => createRandom(`${seed}/${label}`),
  };
}

/**
 * Finds rows that two splits share: the same text, second segment and choices after normalisation, or most 13-word
 * shingles of each (the length that Brown et al. 2020, https://arxiv.org/abs/2005.14165, appendix C, use to find
 * training text in test sets). Labels are not compared: a row with another label is a repeat too.
 */
import { present } from '../../contracts/present.ts';
import type { DatasetRow, SplitName, Splits } from '../../contracts/dataset.ts';
import { SPLIT_ORDER } from './content-hash.ts';

const SHINGLE_WORDS = 13;

/**
 * Share of the shorter item's shingles found in the other from which the two count as near-duplicates. Texts of one
 * genre may share an opening formula or a quotation (a few of some hundred shingles); from half an item on, it is a
 * copy.
 */
export const NEAR_DUPLICATE_CONTAINMENT = 0.5;

export interface Leak {
  readonly kind: 'exact' | 'near';
  /** The split that must stay unseen, and its item. */
  readonly heldOut: { readonly split: SplitName; readonly id: string };
  /** Where the item occurs again. */
  readonly seen: { readonly split: SplitName; readonly id: string };
  /** Share of the shorter item's shingles that both have, the smallest over the segments; 1 for exact repeats. */
  readonly containment: number;
}

/**
 * Lower-case words and symbols, including signs of arithmetic between numbers; other punctuation and white space is
 * dropped, and Unicode compatibility forms are folded.
 */
export function normalizedWords(text: string): readonly string[] {
  return (
    text
      .normalize('NFKC')
      .toLowerCase()
      .match(/[\p{L}\p{N}]+|\p{S}|(?<=\p{N}\s*)[-*/%](?=\s*\p{N})/gu) ?? []
  );
}

/** The parts of a row that are compared: text, second segment, and the choices in any order. */
function segmentsOf({ text, pair, choices }: DatasetRow): readonly (readonly string[])[] {
  const offered = choices && [...choices].sort().flatMap((choice) => normalizedWords(choice));
  return [normalizedWords(text), ...(pair === undefined ? [] : [normalizedWords(pair)]), ...(offered ? [offered] : [])];
}

/** All exact leaks between two splits. */
export function findExactLeaks(splits: Splits): readonly Leak[] {
  const leaks: Leak[] = [];
  const firstSeen = new Map<string, { split: SplitName; id: string }>();
  for (const split of SPLIT_ORDER) {
    for (const row of splits[split]) {
      const { id } = row;
      const key = JSON.stringify(segmentsOf(row));
      const heldOut = firstSeen.get(key);
      if (!heldOut) firstSeen.set(key, { split, id });
      else if (heldOut.split !== split) leaks.push({ kind: 'exact', heldOut, seen: { split, id }, containment: 1 });
    }
  }
  return leaks;
}

/** All leaks between two splits, exact and near; each pair of items once. */
export function findLeaks(splits: Splits): readonly Leak[] {
  const exact = findExactLeaks(splits);
  const known = new Set(exact.map(pairKey));
  return [...exact, ...findNearLeaks(splits).filter((leak) => !known.has(pairKey(leak)))];
}

interface ShingledItem {
  readonly split: SplitName;
  readonly id: string;
  readonly segments: readonly ReadonlySet<number>[];
}

/** Smallest share over the segments that both have; 1 where there are none. */
function leastContainment(one: ShingledItem['segments'], other: ShingledItem['segments']): number {
  const shares = one.flatMap((shingles, at) => {
    const others = other[at];
    if (others === undefined || Math.min(shingles.size, others.size) === 0) return [];
    const shared = [...shingles].filter((shingle) => others.has(shingle)).length;
    return [shared / Math.min(shingles.size, others.size)];
  });
  return Math.min(1, ...shares);
}

function findNearLeaks(splits: Splits): readonly Leak[] {
  const leaks: Leak[] = [];
  const items: ShingledItem[] = [];
  const owners = new Map<number, number[]>(); // shingle of a text → indices of items of earlier splits
  for (const split of SPLIT_ORDER) {
    const added: number[] = [];
    for (const row of splits[split]) {
      const { id } = row;
      const item: ShingledItem = { split, id, segments: segmentsOf(row).map(shinglesOf) };
      const [text = new Set<number>(), ...others] = item.segments;
      const shared = new Map<number, number>(); // item → shingles in common
      for (const shingle of text) {
        for (const owner of owners.get(shingle) ?? []) shared.set(owner, (shared.get(owner) ?? 0) + 1);
      }
      for (const [index, count] of shared) {
        const owner = present(items[index], 'items[index]');
        const [ownText = text, ...ownOthers] = owner.segments;
        const ofText = count / Math.min(text.size, ownText.size);
        if (ofText < NEAR_DUPLICATE_CONTAINMENT) continue;
        const containment = Math.min(ofText, leastContainment(ownOthers, others));
        if (containment < NEAR_DUPLICATE_CONTAINMENT) continue;
        leaks.push({ kind: 'near', heldOut: { split: owner.split, id: owner.id }, seen: { split, id }, containment });
      }
      added.push(items.push(item) - 1);
    }
    // The last split is only searched for, not added to the index.
    if (split === SPLIT_ORDER.at(-1)) break;
    for (const index of added) {
      for (const shingle of present(items[index], 'items[index]').segments[0] ?? []) {
        const indices = owners.get(shingle);
        if (indices) indices.push(index);
        else owners.set(shingle, [index]);
      }
    }
  }
  return leaks;
}

/** Drops every row that exactly repeats a row of an earlier split of SPLIT_ORDER. */
export function dropRepeatedRows(splits: Splits): Splits {
  return withoutSeen(splits, findExactLeaks(splits));
}

/** Drops every row that repeats a row of an earlier split of SPLIT_ORDER, exactly or mostly. */
export function dropLeakedRows(splits: Splits): Splits {
  return withoutSeen(splits, findLeaks(splits));
}

function withoutSeen(splits: Splits, leaks: readonly Leak[]): Splits {
  const leaked = new Set(leaks.map(({ seen }) => `${seen.split}/${seen.id}`));
  const keep = (split: SplitName): readonly DatasetRow[] =>
    splits[split].filter(({ id }) => !leaked.has(`${split}/${id}`));
  return {
    test: keep('test'),
    validation: keep('validation'),
    calibration: keep('calibration'),
    training: keep('training'),
  };
}

/** Any odd number works; this one is 2^32 divided by the golden ratio. */
const ROLLING_BASE = 0x9e3779b1;

/**
 * Hashes of all runs of SHINGLE_WORDS words, or of the whole text when it is shorter; a rolling polynomial modulo 2^32.
 * 30 bits are kept: among a million shingles about one in a thousand collides, far less than half of an item.
 */
function shinglesOf(words: readonly string[]): ReadonlySet<number> {
  const hashes = words.map(hashWord);
  const length = Math.min(SHINGLE_WORDS, words.length);
  const shingles = new Set<number>();
  let leaving = 1; // ROLLING_BASE^length: weight of the word that leaves the window
  for (let power = 0; power < length; power++) leaving = Math.imul(leaving, ROLLING_BASE);
  let rolling = 0;
  for (const [index, word] of hashes.entries()) {
    rolling = (Math.imul(rolling, ROLLING_BASE) + word) | 0;
    if (index >= length)
      rolling = (rolling - Math.imul(leaving, present(hashes[index - length], 'hashes[index-length]'))) | 0;
    if (index >= length - 1) shingles.add(Math.imul(rolling ^ (rolling >>> 15), 0x85ebca6b) >>> 2);
  }
  return shingles;
}

/** FNV-1a over UTF-16 units, http://www.isthe.com/chongo/tech/comp/fnv/. */
function hashWord(word: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < word.length; index++) hash = Math.imul(hash ^ word.charCodeAt(index), 0x01000193);
  return hash;
}

function pairKey({ heldOut, seen }: Leak): string {
  return JSON.stringify([heldOut.split, heldOut.id, seen.split, seen.id]);
}

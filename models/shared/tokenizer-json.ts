/**
 * The tokenizer of a tokenizer.json, through @huggingface/tokenizers: byte-level BPE, WordPiece and Unigram.
 * On 1,500 lines of WikiText and 1,000 of random scripts it gives Python's ids, except for 3 lines of WordPiece with
 * characters that newer versions of Unicode put into other classes. Corrects two differences of the package: it does
 * not separate ideographs beyond the basic plane, and treats only ASCII digits as digits.
 */
import { Tokenizer as PackageTokenizer } from '@huggingface/tokenizers';
import { InputError, UnsupportedError } from '../../contracts/errors.ts';
import { isRecord } from '../../contracts/is-record.ts';
import type { ModelFiles, Tokenizer } from '../../engine/definitions/model.ts';
import { BERT_TOKENS, byteLevelOf, wordPieceOf } from './vocabulary-files.ts';

/** Largest file; the largest in use, Gemma's, has 33 MiB. */
const MAX_TOKENIZER_BYTES = 64 * 2 ** 20;
const MAX_SETTINGS_BYTES = 16 * 2 ** 20;

/** An order of magnitude above any vocabulary in use. */
const MAX_TOKEN_ID = 2 ** 22;

/** Fields that a file may omit but the package requires. */
const ABSENT = {
  added_tokens: [],
  normalizer: null,
  pre_tokenizer: null,
  post_processor: null,
  decoder: null,
} as const;

const MODEL_TYPES = ['BPE', 'WordPiece', 'Unigram'] as const;

type Json = Readonly<Record<string, unknown>>;

/** Throws InputError for a file that is not a tokenizer, UnsupportedError for an unsupported kind. */
export async function readTokenizerJson(files: ModelFiles): Promise<Tokenizer> {
  const path = 'tokenizer.json';
  const settings = files.has('tokenizer_config.json')
    ? await readJson(files, 'tokenizer_config.json', MAX_SETTINGS_BYTES)
    : {};
  const named = files.has('special_tokens_map.json')
    ? await readJson(files, 'special_tokens_map.json', MAX_SETTINGS_BYTES)
    : {};
  const old = !files.has(path) && files.has('vocab.txt');
  const map: Json = old ? { ...BERT_TOKENS, ...named } : named;
  const json = files.has(path)
    ? await readJson(files, path, MAX_TOKENIZER_BYTES)
    : await jsonOfVocabulary(files, settings, map);
  const ids = vocabularyOf(json, path);
  const made = guarded(
    path,
    () =>
      new PackageTokenizer(
        { ...ABSENT, ...json, pre_tokenizer: withUnicodeDigits(json['pre_tokenizer'] ?? null) },
        settings,
      ),
  );
  const separates = separatesIdeographs(json['normalizer']);
  const idsOf = (
    text: string,
    options: { readonly text_pair?: string; readonly add_special_tokens: boolean },
  ): readonly number[] =>
    guarded(path, () => made.encode(separates ? text.replace(DISTANT_IDEOGRAPHS, ' $& ') : text, options).ids);
  const special = (name: string): number | undefined => {
    const content = contentOf(settings[name] ?? map[name]);
    return content === undefined ? undefined : ids.get(content);
  };
  const vocabularySize = Math.max(...ids.values()) + 1;
  const frame = frameOf(idsOf);
  return {
    vocabularySize,
    ...optional('beginOfSequence', frame.before.length > 0 ? special('bos_token') : undefined),
    ...optional('endOfSequence', special('eos_token')),
    ...optional('emptyContext', special('bos_token')),
    ...optional('classification', frame.before[0]),
    ...optional('separator', frame.after.at(-1)),
    ...(frame.between.length > 0 && { segmentBreak: frame.between }),
    ...optional('padding', special('pad_token')),
    ...optional('mask', special('mask_token')),
    encode: (text) => Int32Array.from(idsOf(text, { add_special_tokens: false })),
    decode(tokens) {
      const list = Array.from(tokens);
      const stray = list.find((id) => !Number.isInteger(id) || id < 0 || id >= vocabularySize);
      if (stray !== undefined)
        throw new InputError(
          `${path}: token ${stray} is not in 0..${vocabularySize - 1}; check the model's vocabulary`,
        );
      // The package fails on an empty list.
      return list.length === 0
        ? ''
        : guarded(path, () => made.decode(list, { skip_special_tokens: false, clean_up_tokenization_spaces: false }));
    },
  };
}

const optional = <Name extends string>(name: Name, value: number | undefined): { readonly [K in Name]?: number } =>
  (value === undefined ? {} : { [name]: value }) as { readonly [K in Name]?: number };

/** Special tokens around one text and between two. */
function frameOf(
  idsOf: (
    text: string,
    options: { readonly text_pair?: string; readonly add_special_tokens: boolean },
  ) => readonly number[],
) {
  const bare = idsOf('a', { add_special_tokens: false });
  const one = idsOf('a', { add_special_tokens: true });
  const two = idsOf('a', { text_pair: 'a', add_special_tokens: true });
  const start = find(one, bare, 0);
  const first = find(two, bare, 0);
  const second = find(two, bare, first + bare.length);
  return {
    before: one.slice(0, start),
    after: one.slice(start + bare.length),
    between: second < 0 ? [] : two.slice(first + bare.length, second),
  };
}

/** Index of `part` in `whole`, from `from` on; -1 if it does not occur. */
function find(whole: readonly number[], part: readonly number[], from: number): number {
  for (let at = Math.max(0, from); at + part.length <= whole.length; at++) {
    if (part.every((id, index) => whole[at + index] === id)) return at;
  }
  return -1;
}

/** Id by token. Throws for a file without a vocabulary of whole numbers. */
function vocabularyOf(json: Json, path: string): ReadonlyMap<string, number> {
  const fault = (what: string): InputError => new InputError(`${path}: ${what}; fetch the file again`);
  const model = isRecord(json['model']) ? json['model'] : {};
  // Old files omit the type; only WordPiece and BPE existed then.
  const type = model['type'] ?? (Array.isArray(model['merges']) ? 'BPE' : 'WordPiece');
  if (!MODEL_TYPES.some((known) => known === type)) {
    throw new UnsupportedError(
      `${path}: tokenizers of the type ${String(type).slice(0, 40)} are not read; those that are: ${MODEL_TYPES.join(', ')}`,
    );
  }
  const { vocab } = model;
  const entries: readonly (readonly [string, unknown])[] = Array.isArray(vocab)
    ? vocab.map((entry: unknown, id) => [String(Array.isArray(entry) ? entry[0] : entry), id])
    : Object.entries(isRecord(vocab) ? vocab : {});
  const added = Array.isArray(json['added_tokens']) ? json['added_tokens'] : [];
  const extra = added.map((token: unknown): readonly [string, unknown] => {
    if (!isRecord(token) || typeof token['content'] !== 'string') throw fault('an added token has no content');
    return [token['content'], token['id']];
  });
  const ids = new Map<string, number>();
  for (const [token, id] of [...entries, ...extra]) {
    if (!Number.isInteger(id) || (id as number) < 0 || (id as number) > MAX_TOKEN_ID) {
      throw fault(
        `token "${token.slice(0, 40)}" has the id ${String(id).slice(0, 40)}, expected a whole number from 0 to ${MAX_TOKEN_ID}`,
      );
    }
    ids.set(token, id as number);
  }
  if (ids.size === 0) throw fault('its model has no vocabulary');
  const { merges } = model;
  if (type === 'BPE' && !(Array.isArray(merges) && merges.every(isMerge)))
    throw fault('its merges are no pairs of tokens');
  return ids;
}

function isMerge(merge: unknown): boolean {
  if (typeof merge === 'string') return merge.includes(' ');
  return Array.isArray(merge) && merge.length === 2 && merge.every((part) => typeof part === 'string');
}

/** Ideographs beyond the basic plane, which BERT's normalizer separates by spaces. */
const DISTANT_IDEOGRAPHS = /[\u{20000}-\u{2A6DF}\u{2A700}-\u{2CEAF}\u{2F800}-\u{2FA1F}]/gu;

function separatesIdeographs(normalizer: unknown): boolean {
  return (
    isRecord(normalizer) && normalizer['type'] === 'BertNormalizer' && normalizer['handle_chinese_chars'] !== false
  );
}

/** Rust's tokenizers treat all numeric characters as digits; expressed as a pattern. */
function withUnicodeDigits(preTokenizer: unknown): unknown {
  if (Array.isArray(preTokenizer)) return preTokenizer.map(withUnicodeDigits);
  if (!isRecord(preTokenizer)) return preTokenizer;
  if (preTokenizer['type'] === 'Digits') {
    const Regex = preTokenizer['individual_digits'] === true ? String.raw`\p{N}` : String.raw`\p{N}+`;
    return { type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false };
  }
  const { pretokenizers } = preTokenizer;
  return pretokenizers === undefined
    ? preTokenizer
    : { ...preTokenizer, pretokenizers: withUnicodeDigits(pretokenizers) };
}

/** A special token is given as text or as an object with its text. */
function contentOf(token: unknown): string | undefined {
  const content = isRecord(token) ? token['content'] : token;
  return typeof content === 'string' ? content : undefined;
}

/** A tokenizer.json for repositories older than that format. */
async function jsonOfVocabulary(files: ModelFiles, settings: Json, map: Json): Promise<Json> {
  const roles = Object.keys({ ...map, ...settings }).filter((role) => /^[a-z]+_token$/.test(role));
  const special: Record<string, string> = {};
  for (const role of roles) {
    const content = contentOf(settings[role] ?? map[role]);
    if (content !== undefined) special[role] = content;
  }
  const text = async (path: string): Promise<string> =>
    new TextDecoder().decode(await files.read(path, { maxBytes: MAX_TOKENIZER_BYTES }));
  if (files.has('vocab.txt')) return wordPieceOf(await text('vocab.txt'), settings, special);
  const vocab = await readJson(files, 'vocab.json', MAX_TOKENIZER_BYTES);
  return byteLevelOf(vocab, await text('merges.txt'), settings, special);
}

async function readJson(files: ModelFiles, path: string, maxBytes: number): Promise<Json> {
  const bytes = await files.read(path, { maxBytes });
  const json = guarded(path, (): unknown => JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
  if (!isRecord(json)) throw new InputError(`${path}: expected an object; fetch the file again`);
  return json;
}

/** Errors of the package are faults of the file. */
function guarded<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    if (cause instanceof InputError) throw cause;
    throw new InputError(`${path}: cannot be used: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
}

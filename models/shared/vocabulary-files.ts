/**
 * Converts the vocabulary files of repositories older than tokenizer.json to its contents: byte-level BPE of vocab.json
 * and merges.txt (GPT-2, OPT), or BERT's WordPiece of vocab.txt, as transformers' convert_slow_tokenizer.py does.
 */
import { InputError } from '../../contracts/errors.ts';
import { isRecord } from '../../contracts/is-record.ts';

type Json = Readonly<Record<string, unknown>>;

/** Groups of files, each of which is a tokenizer. */
export const VOCABULARY_FILES = [['vocab.json', 'merges.txt'], ['vocab.txt']] as const;

/** Default names of BERT's special tokens. */
export const BERT_TOKENS = {
  unk_token: '[UNK]',
  sep_token: '[SEP]',
  pad_token: '[PAD]',
  cls_token: '[CLS]',
  mask_token: '[MASK]',
} as const;

/** `special`: the text of the special tokens by role; `settings`: tokenizer_config.json. */
export function wordPieceOf(vocabulary: string, settings: Json, special: Readonly<Record<string, string>>): Json {
  const words = vocabulary.split(/\r?\n/);
  if (words.at(-1) === '') words.pop();
  const vocab = Object.fromEntries(words.map((word, id) => [word, id]));
  const { cls_token: before = '', sep_token: after = '' } = special;
  const one = [specialToken(before, 0), SEQUENCE_A, specialToken(after, 0)];
  return {
    added_tokens: addedTokens(vocab, special, 'vocab.txt'),
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: settings['tokenize_chinese_chars'] !== false,
      strip_accents: settings['strip_accents'] ?? null,
      lowercase: settings['do_lower_case'] !== false,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: template(vocab, {
      single: one,
      pair: [...one, SEQUENCE_B, specialToken(after, 1)],
      tokens: [before, after],
    }),
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: special['unk_token'],
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab,
    },
  };
}

/** Throws InputError unless each merge is a line of two parts. */
export function byteLevelOf(
  vocab: unknown,
  merges: string,
  settings: Json,
  special: Readonly<Record<string, string>>,
): Json {
  if (!isRecord(vocab)) throw new InputError('vocab.json: expected an object from token to id; fetch the file again');
  const lines = merges.split(/\r?\n/).filter((line) => line !== '' && !line.startsWith('#version'));
  const odd = lines.find((line) => line.split(' ').length !== 2);
  if (odd !== undefined)
    throw new InputError(`merges.txt: "${odd.slice(0, 40)}" is no pair of parts; fetch the file again`);
  const begin = settings['add_bos_token'] === true ? special['bos_token'] : undefined;
  const first = begin === undefined ? [] : [specialToken(begin, 0)];
  return {
    added_tokens: addedTokens(vocab, special, 'vocab.json'),
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: settings['add_prefix_space'] === true, use_regex: true },
    post_processor:
      begin === undefined
        ? null
        : template(vocab, {
            single: [...first, SEQUENCE_A],
            pair: [...first, SEQUENCE_A, ...first, SEQUENCE_B],
            tokens: [begin],
          }),
    decoder: { type: 'ByteLevel' },
    model: { type: 'BPE', vocab, merges: lines },
  };
}

const SEQUENCE_A = { Sequence: { id: 'A', type_id: 0 } };
const SEQUENCE_B = { Sequence: { id: 'B', type_id: 1 } };
const specialToken = (id: string, type: number): Json => ({ SpecialToken: { id, type_id: type } });

function template(
  vocab: Json,
  {
    single,
    pair,
    tokens,
  }: { readonly single: readonly Json[]; readonly pair: readonly Json[]; readonly tokens: readonly string[] },
): Json {
  const described = tokens.map((id) => [id, { id, ids: [vocab[id]], tokens: [id] }]);
  return { type: 'TemplateProcessing', single, pair, special_tokens: Object.fromEntries(described) };
}

/** Throws InputError for a special token that is not in the vocabulary. */
function addedTokens(vocab: Json, special: Readonly<Record<string, string>>, path: string): readonly Json[] {
  return [...new Set(Object.values(special))].map((content) => {
    if (vocab[content] === undefined)
      throw new InputError(
        `${path}: has no token "${content.slice(0, 40)}", which tokenizer_config.json names; fetch both again`,
      );
    return {
      id: vocab[content],
      content,
      special: true,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
    };
  });
}

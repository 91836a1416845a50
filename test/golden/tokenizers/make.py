#!/usr/bin/env python3
"""Small tokenizers of each kind, trained here, and what Python's tokenizers makes of texts in many scripts.

    /opt/py/bin/python test/golden/tokenizers/make.py        # writes a folder per tokenizer beside this file
"""
import json, pathlib, random
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

HERE = pathlib.Path(__file__).parent
TRAINING = (HERE / '../../../README.md').read_text().split('\n')
TEXTS = ['', 'a', 'Hello, world! It’s 12:45.', '  leading and  double  spaces', 'tabs\tand\nnew lines\n\n', 'naïve café ÀÉÎ ß', '²³¼ ½ Ⅷ ٣ ๓', '𠜎 𠜱 中文字符 mixed', 'Привет, мир', 'مرحبا بالعالم', 'नमस्ते दुनिया', '한국어 문장', '🙂👩‍👩‍👧 emoji', 'x' * 300, '<s> [CLS] [SEP]', "don't can't we'll I'm"]
SPECIAL = {'bpe': ['<|endoftext|>'], 'word-piece': ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'], 'unigram': ['<s>', '<pad>', '</s>', '<unk>']}


def trained(name):
  special = SPECIAL[name]
  if name == 'bpe':
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    made.decoder = decoders.ByteLevel()
    made.train_from_iterator(TRAINING, trainers.BpeTrainer(vocab_size=400, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    settings = dict(tokenizer_class='GPT2Tokenizer', bos_token='<|endoftext|>', eos_token='<|endoftext|>')
  elif name == 'word-piece':
    made = Tokenizer(models.WordPiece(unk_token='[UNK]', max_input_chars_per_word=100))
    made.normalizer, made.pre_tokenizer, made.decoder = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer(), decoders.WordPiece()
    made.train_from_iterator(TRAINING, trainers.WordPieceTrainer(vocab_size=400, special_tokens=special, show_progress=False))
    ids = [(token, made.token_to_id(token)) for token in ('[CLS]', '[SEP]')]
    made.post_processor = processors.TemplateProcessing(single='[CLS] $A [SEP]', pair='[CLS] $A [SEP] $B:1 [SEP]:1', special_tokens=ids)
    settings = dict(tokenizer_class='BertTokenizer', pad_token='[PAD]', unk_token='[UNK]', cls_token='[CLS]', sep_token='[SEP]', mask_token='[MASK]')
  else:
    made = Tokenizer(models.Unigram())
    made.normalizer = normalizers.NFKC()
    made.pre_tokenizer, made.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    made.train_from_iterator(TRAINING, trainers.UnigramTrainer(vocab_size=400, special_tokens=special, unk_token='<unk>', show_progress=False))
    ids = [(token, made.token_to_id(token)) for token in ('<s>', '</s>')]
    made.post_processor = processors.TemplateProcessing(single='<s> $A </s>', pair='<s> $A </s> </s> $B </s>', special_tokens=ids)
    settings = dict(tokenizer_class='XLMRobertaTokenizer', bos_token='<s>', eos_token='</s>', unk_token='<unk>', pad_token='<pad>')
  return made, settings


def main():
  generator = random.Random(3)
  scripts = [(0x20, 0x7e), (0xa0, 0x17f), (0x370, 0x52f), (0x4e00, 0x9fff), (0xac00, 0xd7a3), (0x20000, 0x2a6df), (0x2000, 0x2bff), (0xe00, 0xe5b)]
  texts = TEXTS + [''.join(chr(generator.randint(*generator.choice(scripts))) for _ in range(generator.randint(1, 20))) for _ in range(60)]
  for name in SPECIAL:
    made, settings = trained(name)
    folder = HERE / name
    folder.mkdir(exist_ok=True)
    made.save(str(folder / 'tokenizer.json'))
    json.dump(settings, open(folder / 'tokenizer_config.json', 'w'), indent=1)
    golden = [dict(text=text, ids=made.encode(text, add_special_tokens=False).ids) for text in texts]
    json.dump(dict(cases=golden, pair=made.encode('a b', 'c').ids, one=made.encode('a b').ids), open(folder / 'golden.json', 'w'))
    print(name, made.get_vocab_size())


main()

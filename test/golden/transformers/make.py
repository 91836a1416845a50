#!/usr/bin/env python3
"""Tiny random models of transformers' own and what they compute: the reference that models/shared/architectures is held against.

    /opt/py/bin/python test/golden/transformers/make.py        # writes a folder per model beside this file

Each folder has config.json, the weights as safetensors, and golden.json: for each case token ids [batch][sequence], the
attention mask, segment ids where the model has them, and the output as base64 of little-endian float32. Shapes are odd on
purpose: grouped heads, a head size apart from width / heads, a vocabulary that is no multiple of 8. Norms, biases and all
other vectors are random too, so that none is neutral.
"""
import base64, json, pathlib, shutil
import numpy as np, torch, transformers as tf

HERE = pathlib.Path(__file__).parent
VOCABULARY, CONTEXT, PADDING = 61, 24, 1

ROPE = dict(rope_theta=10000.0)
DECODER = dict(vocab_size=VOCABULARY, hidden_size=36, intermediate_size=52, num_hidden_layers=2, num_attention_heads=6,
               max_position_embeddings=CONTEXT, bos_token_id=0, eos_token_id=2, pad_token_id=PADDING)
GROUPED = dict(num_key_value_heads=2, head_dim=10)
ENCODER = dict(vocab_size=VOCABULARY, hidden_size=36, intermediate_size=52, num_hidden_layers=2, num_attention_heads=3,
               max_position_embeddings=CONTEXT, pad_token_id=PADDING, num_labels=3)
LLAMA3 = dict(rope_type='llama3', rope_theta=10000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=12)
YARN = dict(rope_type='yarn', rope_theta=10000.0, factor=3.0, original_max_position_embeddings=8)

MODELS = {
  'gpt2': (tf.GPT2LMHeadModel, tf.GPT2Config(vocab_size=VOCABULARY, n_embd=36, n_head=3, n_layer=2, n_positions=CONTEXT, bos_token_id=0, eos_token_id=2, pad_token_id=PADDING)),
  'gpt-neox': (tf.GPTNeoXForCausalLM, tf.GPTNeoXConfig(**{**DECODER, 'num_attention_heads': 3}, rope_parameters=dict(rope_theta=10000.0, partial_rotary_factor=0.5, rope_type='default'), use_parallel_residual=True, tie_word_embeddings=False)),
  'gpt-neox-sequential': (tf.GPTNeoXForCausalLM, tf.GPTNeoXConfig(**{**DECODER, 'num_attention_heads': 3}, rope_parameters=dict(rope_theta=10000.0, partial_rotary_factor=1.0, rope_type='default'), use_parallel_residual=False, attention_bias=False, hidden_act='gelu_new')),
  'llama': (tf.LlamaForCausalLM, tf.LlamaConfig(**DECODER, **GROUPED, tie_word_embeddings=True)),
  'llama3': (tf.LlamaForCausalLM, tf.LlamaConfig(**DECODER, **GROUPED, attention_bias=True, mlp_bias=True, rope_parameters=LLAMA3)),
  'llama-linear': (tf.LlamaForCausalLM, tf.LlamaConfig(**DECODER, **GROUPED, rope_parameters=dict(rope_type='linear', rope_theta=10000.0, factor=2.0))),
  'llama-yarn': (tf.LlamaForCausalLM, tf.LlamaConfig(**DECODER, **GROUPED, rope_parameters=YARN)),
  'mistral': (tf.MistralForCausalLM, tf.MistralConfig(**DECODER, **GROUPED, sliding_window=7)),
  'qwen2': (tf.Qwen2ForCausalLM, tf.Qwen2Config(**DECODER, num_key_value_heads=2, use_sliding_window=True, sliding_window=5, max_window_layers=1)),
  'qwen3': (tf.Qwen3ForCausalLM, tf.Qwen3Config(**DECODER, **GROUPED, tie_word_embeddings=True)),
  'opt': (tf.OPTForCausalLM, tf.OPTConfig(vocab_size=VOCABULARY, hidden_size=36, ffn_dim=52, num_hidden_layers=2, num_attention_heads=3, max_position_embeddings=CONTEXT, word_embed_proj_dim=36, bos_token_id=0, eos_token_id=2, pad_token_id=PADDING)),
  'phi': (tf.PhiForCausalLM, tf.PhiConfig(**DECODER, num_key_value_heads=2, rope_parameters=dict(rope_theta=10000.0, partial_rotary_factor=0.67, rope_type='default'))),
  'gemma3': (tf.Gemma3ForCausalLM, tf.Gemma3TextConfig(**DECODER, **GROUPED, sliding_window=6, query_pre_attn_scalar=14, layer_types=['sliding_attention', 'full_attention'])),
  'bert': (tf.BertForSequenceClassification, tf.BertConfig(**ENCODER)),
  'bert-embedding': (tf.BertModel, tf.BertConfig(**ENCODER)),
  'distilbert': (tf.DistilBertForSequenceClassification, tf.DistilBertConfig(vocab_size=VOCABULARY, dim=36, hidden_dim=52, n_layers=2, n_heads=3, max_position_embeddings=CONTEXT, pad_token_id=PADDING, num_labels=3)),
  'roberta': (tf.RobertaForSequenceClassification, tf.RobertaConfig(**{**ENCODER, 'max_position_embeddings': CONTEXT + PADDING + 1}, type_vocab_size=1)),
  'modernbert': (tf.ModernBertForSequenceClassification, tf.ModernBertConfig(**{**ENCODER, 'num_hidden_layers': 3}, local_attention=8, global_attn_every_n_layers=2, classifier_pooling='mean', cls_token_id=0, sep_token_id=2, bos_token_id=0, eos_token_id=2)),
}
HALVES = {'llama': torch.bfloat16, 'qwen2': torch.float16}
SHARDED = {'llama': '20KB'}


def randomized(kind, config, name):
  torch.manual_seed(sum(map(ord, name)))
  config._attn_implementation = 'eager'
  model = kind._from_config(config, attn_implementation='eager') if hasattr(kind, '_from_config') else kind(config)
  for parameter_name, parameter in model.named_parameters():
    with torch.no_grad():
      if parameter.dim() == 1:
        centre = 0.0 if parameter_name.endswith('bias') or name == 'gemma3' else 1.0
        parameter.copy_(centre + 0.2 * torch.randn_like(parameter))
      else:
        table = 'emb' in parameter_name or 'wte' in parameter_name or 'wpe' in parameter_name
        parameter.copy_(torch.randn_like(parameter) * (0.5 if table else 1.3 / parameter.shape[-1] ** 0.5))
  half = HALVES.get(name)
  if half is not None: model = model.to(half)
  model.eval()
  return model


def cases(has_segments, context):
  generator = np.random.default_rng(5)
  ids = lambda batch, length: generator.integers(3, VOCABULARY, (batch, length))
  yield 'one', ids(1, 5), None, None
  padded, mask, segments = ids(3, 11), np.ones((3, 11), dtype=np.int64), np.zeros((3, 11), dtype=np.int64)
  for row, length in enumerate([11, 4, 8]):
    padded[row, length:], mask[row, length:] = PADDING, 0
    segments[row, length // 2:length] = 1
  yield 'padded', padded, mask, segments if has_segments else None
  yield 'longest', ids(2, context), None, None


def main():
  for name, (kind, config) in MODELS.items():
    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    model = randomized(kind, config, name)
    model.save_pretrained(folder, max_shard_size=SHARDED.get(name, '50GB'))
    for stray in folder.glob('generation_config.json'): stray.unlink()
    # Read back in full precision: casting the model itself would leave its rotary frequencies rounded.
    model = kind.from_pretrained(folder, dtype=torch.float32, attn_implementation='eager').eval()
    has_segments = name in ('bert', 'bert-embedding')
    made = []
    for label, ids, mask, segments in cases(has_segments, CONTEXT):
      feeds = dict(input_ids=torch.tensor(ids), attention_mask=torch.tensor(np.ones_like(ids) if mask is None else mask))
      if has_segments: feeds['token_type_ids'] = torch.tensor(np.zeros_like(ids) if segments is None else segments)
      with torch.no_grad():
        output = model(**feeds)
        if name == 'bert-embedding':
          present = feeds['attention_mask'].unsqueeze(-1).float()
          mean = (output.last_hidden_state * present).sum(1) / present.sum(1)
          logits = torch.nn.functional.normalize(mean, dim=-1)
        else: logits = output.logits
      made.append(dict(label=label, inputIds=ids.tolist(), attentionMask=feeds['attention_mask'].tolist(),
                       **({'tokenTypeIds': feeds['token_type_ids'].tolist()} if has_segments else {}),
                       dims=list(logits.shape), logits=base64.b64encode(logits.numpy().astype('<f4').tobytes()).decode()))
    if name == 'bert-embedding':
      # As sentence-transformers keeps them: the pooling is said beside the network.
      json.dump([{'idx': 0, 'name': '0', 'path': '', 'type': 'sentence_transformers.models.Transformer'}, {'idx': 1, 'name': '1', 'path': '1_Pooling', 'type': 'sentence_transformers.models.Pooling'}, {'idx': 2, 'name': '2', 'path': '2_Normalize', 'type': 'sentence_transformers.models.Normalize'}], open(folder / 'modules.json', 'w'), indent=1)
      (folder / '1_Pooling').mkdir()
      json.dump({'word_embedding_dimension': 36, 'pooling_mode_cls_token': False, 'pooling_mode_mean_tokens': True, 'pooling_mode_max_tokens': False, 'pooling_mode_mean_sqrt_len_tokens': False}, open(folder / '1_Pooling' / 'config.json', 'w'), indent=1)
    json.dump(dict(transformers=tf.__version__, cases=made), open(folder / 'golden.json', 'w'))
    print(name, [float(abs(np.frombuffer(base64.b64decode(case['logits']), '<f4')).max()) for case in made])


main()

/**
 * Models in common use and in papers, by short name, each at a fixed commit. The SHA-256 of the weights is confirmed by
 * at least two public records besides the hub; the other files are those of the commit, checked against the hub's
 * hashes.
 */
import type { ModelDefinition } from '../../engine/definitions/model.ts';
import { defineTransformersModel } from './transformers-definition.ts';

interface StandardModel {
  readonly title: string;
  readonly architecture: string;
  readonly repo: string;
  readonly revision: string;
  /** Default `model.safetensors`. */
  readonly weights?: string;
  /** SHA-256 of the weights. */
  readonly sha256: string;
  readonly licence: string;
  readonly citation: string;
  /** Files besides config.json, tokenizer_config.json and the weights. Default tokenizer.json. */
  readonly files?: readonly string[];
  /** For a classifier: the datasets it was fine-tuned on. Absent for decoders. */
  readonly classifies?: readonly string[];
}

const SPECIAL_TOKENS = ['tokenizer.json', 'special_tokens_map.json'];

const PYTHIA =
  'Stella Biderman and others: Pythia: A Suite for Analyzing Large Language Models Across Training and Scaling, 2023, https://arxiv.org/abs/2304.01373';
const SMOLLM2 = 'Loubna Ben Allal and others: SmolLM2: When Smol Goes Big, 2025, https://arxiv.org/abs/2502.02737';

const STANDARD: Readonly<Record<string, StandardModel>> = {
  distilgpt2: {
    title: 'DistilGPT2',
    architecture: 'gpt2',
    repo: 'distilbert/distilgpt2',
    revision: '2290a62682d06624634c1f46a6ad5be0f47f38aa',
    sha256: 'e1ff18884359fe8beb795a5f414feb85a6ce3d929ad019c0d958c039d2b94a1b',
    licence: 'Apache-2.0',
    citation: 'Hugging Face: DistilGPT2, 2019, https://huggingface.co/distilbert/distilgpt2',
  },
  'distilbert-sst2': {
    title: 'DistilBERT on SST-2',
    architecture: 'distilbert',
    repo: 'distilbert/distilbert-base-uncased-finetuned-sst-2-english',
    revision: '714eb0fa89d2f80546fda750413ed43d93601a13',
    sha256: '7c3919835e442510166d267fe7cbe847e0c51cd26d9ba07b89a57b952b49b8aa',
    licence: 'Apache-2.0',
    citation: 'Victor Sanh and others: DistilBERT, a distilled version of BERT, 2019, https://arxiv.org/abs/1910.01108',
    files: ['vocab.txt'],
    classifies: ['sst2'],
  },
  gpt2: {
    title: 'GPT-2 (124M)',
    architecture: 'gpt2',
    repo: 'openai-community/gpt2',
    revision: '607a30d783dfa663caf39e06633721c8d4cfcd7e',
    sha256: '248dfc3911869ec493c76e65bf2fcf7f615828b0254c12b473182f0f81d3a707',
    licence: 'MIT',
    citation:
      'Alec Radford and others: Language Models are Unsupervised Multitask Learners, 2019, https://huggingface.co/openai-community/gpt2',
  },
  'opt-125m': {
    title: 'OPT 125M',
    architecture: 'opt',
    repo: 'facebook/opt-125m',
    revision: '27dcfa74d334bc871f3234de431e71c6eeba5dd6',
    weights: 'pytorch_model.bin',
    sha256: '2d74da6615135c58cf3cf9ad4cb11e7c613ff9e55fe658a47ab83b6c8d1174a9',
    licence: 'OPT-175B licence: research only',
    citation:
      'Susan Zhang and others: OPT: Open Pre-trained Transformer Language Models, 2022, https://arxiv.org/abs/2205.01068',
    files: ['vocab.json', 'merges.txt', 'special_tokens_map.json'],
  },
  'pythia-160m': {
    title: 'Pythia 160M',
    architecture: 'gpt_neox',
    repo: 'EleutherAI/pythia-160m',
    revision: '50f5173d932e8e61f858120bcb800b97af589f46',
    sha256: '29d2e457a664e41c12c735f20a36dc0956a665f614a54ce5db21a32e75965270',
    licence: 'Apache-2.0',
    citation: PYTHIA,
    files: SPECIAL_TOKENS,
  },
  'pythia-70m': {
    title: 'Pythia 70M',
    architecture: 'gpt_neox',
    repo: 'EleutherAI/pythia-70m',
    revision: 'a39f36b100fe8a5377810d56c3f4789b9c53ac42',
    sha256: 'ebfa4e2f18696ebd83716a0d39fe2c025f2ff8483f72a83ca59c475692fc9d15',
    licence: 'Apache-2.0',
    citation: PYTHIA,
    files: SPECIAL_TOKENS,
  },
  'qwen2.5-0.5b': {
    title: 'Qwen2.5 0.5B',
    architecture: 'qwen2',
    repo: 'Qwen/Qwen2.5-0.5B',
    revision: '060db6499f32faf8b98477b0a26969ef7d8b9987',
    sha256: '88c142557820ccad55bb59756bfcfcf891de9cc6202816bd346445188a0ed342',
    licence: 'Apache-2.0',
    citation: 'Qwen Team: Qwen2.5 Technical Report, 2024, https://arxiv.org/abs/2412.15115',
  },
  'qwen3-0.6b': {
    title: 'Qwen3 0.6B',
    architecture: 'qwen3',
    repo: 'Qwen/Qwen3-0.6B',
    revision: 'c1899de289a04d12100db370d81485cdf75e47ca',
    sha256: 'f47f71177f32bcd101b7573ec9171e6a57f4f4d31148d38e382306f42996874b',
    licence: 'Apache-2.0',
    citation: 'Qwen Team: Qwen3 Technical Report, 2025, https://arxiv.org/abs/2505.09388',
  },
  'smollm2-135m': {
    title: 'SmolLM2 135M',
    architecture: 'llama',
    repo: 'HuggingFaceTB/SmolLM2-135M',
    revision: '93efa2f097d58c2a74874c7e644dbc9b0cee75a2',
    sha256: '80521b40281d6ce74e35c9282c22539e75aa0ac8578892b2a59955ef78d55da1',
    licence: 'Apache-2.0',
    citation: SMOLLM2,
    files: SPECIAL_TOKENS,
  },
  'smollm2-360m': {
    title: 'SmolLM2 360M',
    architecture: 'llama',
    repo: 'HuggingFaceTB/SmolLM2-360M',
    revision: 'f8027fd0eaeea54caa13c31d31b9fdc459c38b49',
    sha256: '7aaff6661428bed033abba9522bec81938678642cca3181fe752b6ca9e1e540f',
    licence: 'Apache-2.0',
    citation: SMOLLM2,
    files: SPECIAL_TOKENS,
  },
};

export const standardModels: readonly ModelDefinition[] = Object.entries(STANDARD).map(([id, model]) => {
  const {
    repo,
    revision,
    sha256,
    weights = 'model.safetensors',
    files = ['tokenizer.json'],
    classifies,
    ...facts
  } = model;
  const others = ['config.json', 'tokenizer_config.json', ...files];
  return defineTransformersModel({
    id,
    ...facts,
    kind: classifies ? 'encoder' : 'decoder',
    source: {
      kind: 'hub',
      repo,
      revision,
      files: [...others.map((path) => ({ path })), { path: weights, sha256 }],
    },
    // Whether the datasets of the board occur in web training data is unknown.
    trainedOn: classifies ?? [],
    testItemsSeen: [],
  });
});

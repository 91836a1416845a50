/**
 * all-MiniLM-L6-v2: a sentence embedder of 22.7 million weights, a BERT of six layers whose last hidden states are
 * averaged.
 * Source: https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2
 */
import { defineTransformersModel } from './shared/transformers-definition.ts';

export default defineTransformersModel({
  id: 'minilm-l6',
  title: 'all-MiniLM-L6-v2',
  architecture: 'bert',
  kind: 'embedder',
  licence: 'Apache-2.0',
  citation:
    'Nils Reimers and others: all-MiniLM-L6-v2, 2021, https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2',
  source: {
    kind: 'hub',
    repo: 'sentence-transformers/all-MiniLM-L6-v2',
    revision: '1110a243fdf4706b3f48f1d95db1a4f5529b4d41',
    files: [
      {
        path: '1_Pooling/config.json',
        sha256: '4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23',
        sizeBytes: 190,
      },
      {
        path: 'config.json',
        sha256: '953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41',
        sizeBytes: 612,
      },
      {
        path: 'model.safetensors',
        sha256: '53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db',
        sizeBytes: 90_868_376,
      },
      {
        path: 'modules.json',
        sha256: '84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf',
        sizeBytes: 349,
      },
      {
        path: 'sentence_bert_config.json',
        sha256: 'fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7',
        sizeBytes: 53,
      },
      {
        path: 'special_tokens_map.json',
        sha256: '303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3',
        sizeBytes: 112,
      },
      {
        path: 'tokenizer.json',
        sha256: 'be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037',
        sizeBytes: 466_247,
      },
      {
        path: 'tokenizer_config.json',
        sha256: 'acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b',
        sizeBytes: 350,
      },
    ],
  },
  // None of its training data is a dataset of the board.
  trainedOn: [],
  testItemsSeen: [],
});

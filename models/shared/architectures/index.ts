/** All supported architectures, sorted by the `model_type` of transformers' config.json. */
import type { Architecture } from './architecture.ts';
import { bert } from './bert.ts';
import { distilbert } from './distilbert.ts';
import { gemma3 } from './gemma3.ts';
import { gptNeox } from './gpt-neox.ts';
import { gpt2 } from './gpt2.ts';
import { llama } from './llama.ts';
import { mistral } from './mistral.ts';
import { modernbert } from './modernbert.ts';
import { opt } from './opt.ts';
import { phi } from './phi.ts';
import { qwen2 } from './qwen2.ts';
import { qwen3 } from './qwen3.ts';
import { roberta } from './roberta.ts';

export const architectures: readonly Architecture[] = [
  bert,
  distilbert,
  gemma3,
  gpt2,
  gptNeox,
  llama,
  mistral,
  modernbert,
  opt,
  phi,
  qwen2,
  qwen3,
  roberta,
];

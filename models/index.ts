/**
 * Every model of the board: those with a file, sorted by name, and the standard ones. To add one, write models/<id>.ts
 * and list it here.
 */
import type { ModelDefinition } from '../engine/definitions/model.ts';
import minilmL6Mrpc from './minilm-l6-mrpc.ts';
import minilmL6Rte from './minilm-l6-rte.ts';
import minilmL6Sst2 from './minilm-l6-sst2.ts';
import minilmL6 from './minilm-l6.ts';
import { standardModels } from './shared/standard-models.ts';
import stories260k from './stories260k.ts';
import tinyworldBert from './tinyworld-bert.ts';
import tinyworldGptSmall from './tinyworld-gpt-small.ts';
import tinyworldGpt from './tinyworld-gpt.ts';

export const models: readonly ModelDefinition[] = [
  minilmL6Mrpc,
  minilmL6Rte,
  minilmL6Sst2,
  minilmL6,
  stories260k,
  tinyworldBert,
  tinyworldGptSmall,
  tinyworldGpt,
  ...standardModels,
];

/** Every model of the board, sorted by id. To add one, write models/<id>.ts and list it here. */
import type { ModelDefinition } from '../engine/definitions/model.ts';
import minilmL6 from './minilm-l6.ts';
import stories260k from './stories260k.ts';
import tinyworldBert from './tinyworld-bert.ts';
import tinyworldGptSmall from './tinyworld-gpt-small.ts';
import tinyworldGpt from './tinyworld-gpt.ts';

export const models: readonly ModelDefinition[] = [
  minilmL6,
  stories260k,
  tinyworldBert,
  tinyworldGptSmall,
  tinyworldGpt,
];

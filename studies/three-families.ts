import { GPT } from './contests.ts';
import { better, notWorse } from './relations.ts';
import type { Study } from './study.ts';

export const threeFamilies: Study = {
  id: 'three-families',
  title: 'Do three families together beat one or two of the same size?',
  question:
    'Layers or weights pruned, distilled on a hundred thousand tokens and rounded to four bits, against single methods and pairs whose files are about as large as shipped.',
  contests: [GPT],
  relations: [
    better(
      'prune-distill-quantize/s50-w4g32-t100k',
      'prune-quantize/s50-w4g32',
      'half zeros, four bits: distilled in between against not',
    ),
    better(
      'prune-distill-quantize/s50-w4g32-t100k',
      'qat/w3g32-t100k',
      'half zeros, distilled, four bits, against three bits trained',
    ),
    better(
      'prune-distill-quantize/d75-w4g32-t100k',
      'svd-quantize/p75-w4g32',
      'fewer layers, distilled, four bits, against lower rank and four bits',
    ),
    better(
      'prune-distill-quantize/d75-s50-w4g32-t100k',
      'gptq/w2g32',
      'fewer layers, zeros, distilled, four bits, against two bits rounded',
    ),
    better(
      'prune-distill-quantize/d75-s50-w4g32-t100k',
      'qat/w2g32-t100k',
      'fewer layers, zeros, distilled, four bits, against two bits trained',
    ),
    better(
      'prune-distill-quantize/d50-w4g32-t100k',
      'svd-quantize/p50-w4g32',
      'half the layers, distilled, four bits, against half the rank and four bits',
    ),
    notWorse(
      'prune-distill-quantize/d50-w4g32-t100k',
      'logit-kd/small-t100k',
      'half the layers, distilled, four bits, against a small model distilled',
    ),
    better(
      'prune-quantize/s50-w4g32',
      'gptq/w3g32',
      'two families without training against one: half zeros at four bits',
    ),
    better('svd-quantize/p75-w4g32', 'prune-quantize/s50-w3g32', 'lower rank at four bits against zeros at three'),
  ],
  notes: [],
};

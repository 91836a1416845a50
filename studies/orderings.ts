import { GPT, BERT, LLAMA } from './contests.ts';
import { better, notWorse } from './relations.ts';
import type { Study } from './study.ts';

const RUNS = [
  '20261125T231435-orderings-mln',
  '20261125T232652-orderings-40n',
  '20261126T010644-system-gains-mt9',
  '20261126T012758-quick-8zz',
  '20261126T034548-orderings-4pu',
];

export const orderings: Study = {
  id: 'orderings',
  title: 'Do the orderings of the literature hold on small models?',
  question:
    'Relations that the literature reports again and again, on a GPT, a BERT and a Llama of some hundred thousand to a million weights.',
  contests: [GPT, BERT, LLAMA],
  relations: [
    notWorse('rtn/w8g32', 'rtn/w4g32', 'more bits lose less'),
    better('rtn/w4g32', 'rtn/w3g32', 'more bits lose less'),
    better('rtn/w3g32', 'rtn/w2g32', 'more bits lose less'),
    notWorse('rtn/w4g16', 'rtn/w4g64', 'smaller groups lose less'),
    better('gptq/w4g32', 'rtn/w4g32', 'GPTQ (Frantar et al. 2022) against rounding'),
    better('gptq/w2g32', 'rtn/w2g32', 'GPTQ (Frantar et al. 2022) against rounding'),
    better('nf4/b64', 'nf4/b64-fp4', 'NF4 against FP4 (Dettmers et al. 2023)'),
    better(
      'quantize-lowrank-correction/w3g32-r8',
      'rtn/w3g32',
      'error correction of low rank against none (LQER, Zhang et al. 2024)',
    ),
    better('magnitude/s50', 'random-mask/s50', 'a mask must beat chance'),
    better('wanda/s50', 'magnitude/s50', 'Wanda (Sun et al. 2023) against magnitude'),
    better('sparsegpt/s50', 'wanda/s50', 'SparseGPT (Frantar & Alistarh 2023) against Wanda'),
    better('sparsegpt/s50', 'sparsegpt/2-of-4', 'free places for the zeros against 2 of 4'),
    better('sparsegpt/s30', 'sparsegpt/s50', 'fewer zeros lose less'),
    better(
      'svd-whitened/p50',
      'svd/p50',
      'truncation whitened by activations against plain (SVD-LLM, Wang et al. 2024)',
    ),
    better('rtn/w4g32', 'svd-whitened/p50', 'four bits lose less than rank or zeros that take as many bytes or more'),
    better('rtn/w4g32', 'sparsegpt/s50', 'four bits lose less than rank or zeros that take as many bytes or more'),
    better('layer-drop/d75', 'layer-drop/d75-random', 'block influence against chance'),
    better('layerwise-frozen/d75', 'layer-drop/d75', 'rebuilt against cut'),
    better('structured-heads-neurons/p75', 'structured-heads-neurons/p75-random', 'Fisher information against chance'),
    better('ffn-slice/w75', 'ffn-slice/w75-cut', 'interpolated against cut'),
    better('tie-layers/scale', 'tie-layers/naive', 'tied layers with a correction against none'),
    notWorse(
      'head-merge/pairs',
      'head-merge/pairs-random',
      'mean of heads against one of them (GQA, Ainslie et al. 2023)',
    ),
  ],
  notes: [
    {
      date: '2026-12-01',
      runs: RUNS,
      text: 'layer-drop: the GPT has four layers, so block influence and chance often choose the same one. The choice says little on a model this small.',
    },
    {
      date: '2026-12-01',
      runs: RUNS,
      text: 'head-merge: before training, the mean of two heads loses to one of them on the GPT and the Llama. Keeping one head leaves half of the query heads exact; the mean leaves none. The study uptraining-head-merge repeats the comparison after training.',
    },
    {
      date: '2026-12-01',
      runs: RUNS,
      text: 'tie-layers: on the GPT both variants are unusable, so which of the two loses more says little. The low-rank correction (d25) is part of the study task-or-reconstruction.',
    },
    {
      date: '2026-12-01',
      runs: RUNS,
      text: 'Why Wanda does not beat magnitude on the GPT and the BERT at 50 % zeros is not known.',
    },
    {
      date: '2026-12-01',
      runs: RUNS,
      text: 'On the BERT most of these methods lose very little, so many of its relations stay undecided.',
    },
  ],
};

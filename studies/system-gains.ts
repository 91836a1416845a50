import { GPT, BERT, LLAMA } from './contests.ts';
import { better, faster, smaller, fasterAndSmaller, onlySmaller, neither } from './relations.ts';
import type { Study } from './study.ts';

const RUNS = [
  '20261125T232652-orderings-40n',
  '20261126T000341-training-pays-olq',
  '20261126T010644-system-gains-mt9',
  '20261126T011428-quick-p4n',
  '20261126T012758-quick-8zz',
  '20261126T034548-orderings-4pu',
];

export const systemGains: Study = {
  id: 'system-gains',
  title: 'Where are size and speed really won?',
  question:
    'Size of the file and time of a call against the dense model: gains that are there where matrices or numbers become smaller, and none where zeros and shared weights are computed with like any others.',
  contests: [GPT, BERT, LLAMA],
  relations: [
    ...fasterAndSmaller('int8-dynamic/channel', 'quantized: integer products'),
    ...fasterAndSmaller('rtn/w4g32', 'quantized: four-bit weights, unpacked by the kernel'),
    ...fasterAndSmaller('structured-heads-neurons/p50', 'structured: fewer heads and neurons'),
    ...fasterAndSmaller('ffn-slice/w50', 'structured: fewer neurons'),
    ...fasterAndSmaller('svd-whitened/p50', 'low-rank: half the parameters'),
    ...fasterAndSmaller('layer-drop/d50', 'layers dropped'),
    ...fasterAndSmaller('head-merge/all', 'grouped-query: one key-value head'),
    ...fasterAndSmaller('block-linearization/a50', 'attention in linear maps'),
    ...neither('magnitude/s70', 'unstructured zeros are stored and multiplied'),
    ...neither('sparsegpt/2-of-4', 'zeros in a pattern for which this runtime has no kernel'),
    ...onlySmaller('tie-layers/naive', 'shared: layers are stored once and run as often'),
    ...onlySmaller('weight-clustering/k16', 'shared: values are looked up before they are multiplied'),
    ...onlySmaller('basis-sharing/p75', 'shared: bases are stored once and multiplied for every layer'),
    faster('int8-dynamic/channel', 'rtn/w4g32', 'integer products against unpacking, whatever the size'),
    smaller('rtn/w4g32', 'int8-dynamic/channel', 'four bits against eight'),
    better('sparsegpt/2-of-4', 'structured-heads-neurons/p50', 'what it costs: half the weights by zeros or by units'),
    better('rtn/w4g32', 'layer-drop/d50', 'what it costs: four bits or half the layers'),
  ],
  notes: [
    {
      date: '2026-12-01',
      runs: RUNS,
      text: 'Four-bit weights are unpacked for every product, which costs time in calls with a batch.',
    },
    {
      date: '2026-12-01',
      runs: RUNS,
      text: 'head-merge shares heads by copying them in the graph, and these graphs have no key-value cache that would shrink. That is why fewer key-value heads do not make single tokens faster.',
    },
    {
      date: '2026-12-01',
      runs: RUNS,
      text: 'basis-sharing at 75 % of the parameters also makes the matrix products smaller, which can make calls with a batch faster.',
    },
  ],
};

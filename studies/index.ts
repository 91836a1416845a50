/**
 * Questions put to the board: relations between entries that the literature reports, or that the survey of the field leaves
 * open. Each is also a suite of its own, that measures what it compares; `shrinkrank study` runs it and writes the answer down.
 */
import type { Expectation } from '../numerics/statistics/judge-relation.ts';

export interface Study {
  /** Also the suite's. */
  readonly id: string;
  readonly title: string;
  readonly question: string;
  /** Where every relation is asked. */
  readonly places: readonly StudyPlace[];
  readonly relations: readonly Relation[];
  /** What the verdicts do not say by themselves: what was learned, and why a relation fails, as far as it is known. */
  readonly findings: readonly string[];
}

export interface StudyPlace {
  readonly model: string;
  readonly calibration: string;
  readonly task: string;
}

/** What is compared: the task's own quality, the time of a call at every shape, or the bytes of the ONNX file. */
export type RelationMetric = 'quality' | 'latency' | 'size';

export interface Relation {
  /** `method/variant`. */
  readonly first: string;
  readonly second: string;
  /** Of the first, against the second. */
  readonly expected: Expectation;
  /** Default: quality. */
  readonly metric?: RelationMetric;
  /** Who reports it, or what is asked. */
  readonly reason: string;
}

const GPT = { model: 'tinyworld-gpt', calibration: 'tinyworld', task: 'tinyworld-perplexity' } as const;
const BERT = {
  model: 'tinyworld-bert',
  calibration: 'tinyworld-entailment',
  task: 'tinyworld-entailment-classification-accuracy',
} as const;
const LLAMA = { model: 'stories260k', calibration: 'tinystories', task: 'tinystories-perplexity' } as const;

const better = (first: string, second: string, reason: string): Relation => ({
  first,
  second,
  expected: 'better',
  reason,
});
const notWorse = (first: string, second: string, reason: string): Relation => ({
  first,
  second,
  expected: 'not worse',
  reason,
});

/** Ways to compare a pair on speed or size, as `better` and `notWorse` do on quality. */
const faster = (first: string, second: string, reason: string): Relation => ({
  ...better(first, second, reason),
  metric: 'latency',
});
const notFaster = (first: string, second: string, reason: string): Relation => ({
  ...faster(first, second, reason),
  expected: 'not better',
});
const smaller = (first: string, second: string, reason: string): Relation => ({
  ...better(first, second, reason),
  metric: 'size',
});
const notSmaller = (first: string, second: string, reason: string): Relation => ({
  ...smaller(first, second, reason),
  expected: 'not better',
});

/** What a method promises of the system, against dense: both gains, or a smaller file alone. */
const fasterAndSmaller = (entry: string, reason: string): readonly Relation[] => [
  faster(entry, 'dense/fp32', reason),
  smaller(entry, 'dense/fp32', reason),
];
const onlySmaller = (entry: string, reason: string): readonly Relation[] => [
  notFaster(entry, 'dense/fp32', reason),
  smaller(entry, 'dense/fp32', reason),
];
const neither = (entry: string, reason: string): readonly Relation[] => [
  notFaster(entry, 'dense/fp32', reason),
  notSmaller(entry, 'dense/fp32', reason),
];

export const studies: readonly Study[] = [
  {
    id: 'training-pays',
    title: 'What does training buy over a look at calibration data?',
    question:
      'Four methods that train, at a hundred steps, against the method without training that each of them starts from, at the same size.',
    places: [GPT],
    relations: [
      better('gradual-magnitude/s50-n100', 'magnitude/s50', 'pruned while training against one shot'),
      better('gradual-magnitude/s70-n100', 'magnitude/s70', 'pruned while training against one shot'),
      better('qat/w4g32-n100', 'rtn/w4g32', 'rounding that is trained through, against rounding alone'),
      better('qat/w2g32-n100', 'rtn/w2g32', 'rounding that is trained through, against rounding alone'),
      better('svd-finetune/p50-n100', 'svd/p50', 'truncated and trained on, against truncated'),
      notWorse('logit-kd/d50-n100', 'student-no-kd/d50-n100', 'the same student with a teacher and without'),
      notWorse('logit-kd/small-n100', 'student-no-kd/small-n100', 'the same student with a teacher and without'),
    ],
    findings: [
      'A hundred steps are worth a thousandth of a nat at four bits, where rounding alone loses four, and more than a nat at 70 % zeros and at half the rank.',
      'Training costs fifty to four hundred times the processor time of what it starts from, and four to five times the memory.',
    ],
  },
  {
    id: 'task-or-reconstruction',
    title: 'Train for the task, or rebuild layer by layer?',
    question:
      'The same structure, once with weights that rebuild the outputs of the dense layers on calibration data, once trained on the task for a hundred steps.',
    places: [GPT],
    relations: [
      better('qat/w2g32-n100', 'gptq/w2g32', 'two bits: task against layer-wise rounding'),
      better('gradual-magnitude/s70-n100', 'sparsegpt/s70', '70 % zeros: task against layer-wise update'),
      better('svd-finetune/p50-n100', 'svd-whitened/p50', 'half the rank: task against whitened truncation'),
      better('distilbert-style/d50-n100', 'layerwise-frozen/d50', 'half the layers: task against closed form'),
      better('albert-style/all-n100', 'tie-layers/d25', 'shared layers, trained against corrected in closed form'),
    ],
    findings: [
      'Wherever the structure is the same, a hundred steps on the task beat rebuilding layers in closed form; the gap is smallest at two bits, where GPTQ recovers more than half of what rounding loses for a twelfth of the processor time.',
    ],
  },
  {
    id: 'gradual-or-one-shot',
    title: 'Compress gradually, or in one shot and recover?',
    question:
      'Pruning that goes on through training against one shot followed by as many steps of recovery, and one shot alone.',
    places: [GPT],
    relations: [
      better('gradual-magnitude/s70-n100', 'prune-lora/s70-r8-n100', 'gradual against one shot and adapters'),
      better('prune-lora/s70-r8-n100', 'sparsegpt/s70', 'recovery against none'),
      notWorse(
        'movement/s70-n100',
        'gradual-magnitude/s70-n100',
        'movement of weights against their size; reported from 90 % zeros on',
      ),
      better('gradual-magnitude/s90-n100', 'magnitude/s90', '90 % zeros: pruned while training against one shot'),
      better('gradual-magnitude/s90-n300', 'gradual-magnitude/s90-n100', '90 % zeros: three times the steps'),
      better('movement/s90-n100', 'gradual-magnitude/s90-n100', '90 % zeros: movement against size (Sanh et al. 2020)'),
      better('movement/s90-n300', 'gradual-magnitude/s90-n300', '90 % zeros: movement against size (Sanh et al. 2020)'),
      better('prune-quantize/s50-w4g32', 'rtn/w2g32', 'zeros and four bits against two bits'),
    ],
    findings: [
      'One shot and adapters come within a twentieth of a nat of gradual pruning of all weights, for a fifth less processor time and a tenth less memory.',
      'Movement pruning loses to magnitude at 70 % zeros, and at 90 % after a hundred steps; at 90 % and three hundred steps it wins by a tenth of a nat, in a smaller file: the order its authors report, who train for epochs.',
      'Three times the steps are worth half a nat at 90 % zeros.',
    ],
  },
  {
    id: 'adapters',
    title: 'What do adapters recover, and for what memory?',
    question:
      'Low-rank adapters trained on a compressed model, against the compressed model alone and against training all of its weights.',
    places: [GPT],
    relations: [
      better('prune-lora/s50-r8-n100', 'sparsegpt/s50', 'adapters against nothing'),
      notWorse('prune-lora/s50-r8-n100', 'gradual-magnitude/s50-n100', 'adapters against all weights'),
      better('qlora-recovery/nf4-r8-n100', 'nf4/b64', 'adapters against nothing'),
      better('qlora-recovery/w2g32-r8-n100', 'rtn/w2g32', 'adapters against nothing'),
      notWorse('qlora-recovery/w2g32-r8-n100', 'qat/w2g32-n100', 'adapters against all weights'),
    ],
    findings: [
      'At 50 % zeros adapters of rank 8 recover more in a hundred steps than training all weights does, which starts from magnitude instead of SparseGPT.',
      'At two bits adapters beside the frozen base beat training through the rounding, in a file 15 % larger: they stay in half precision.',
      'At four bits in NF4 there is nothing to recover, and adapters make the file larger.',
      'On a model this small they save a tenth of the memory.',
    ],
  },
  {
    id: 'orderings',
    title: 'Do the orderings of the literature hold on small models?',
    question:
      'Relations that the literature reports again and again, on a GPT, a BERT and a Llama of some hundred thousand to a million weights.',
    places: [GPT, BERT, LLAMA],
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
      better(
        'structured-heads-neurons/p75',
        'structured-heads-neurons/p75-random',
        'Fisher information against chance',
      ),
      better('ffn-slice/w75', 'ffn-slice/w75-cut', 'interpolated against cut'),
      better('tie-layers/scale', 'tie-layers/naive', 'tied layers with a correction against none'),
      notWorse(
        'head-merge/pairs',
        'head-merge/pairs-random',
        'mean of heads against one of them (GQA, Ainslie et al. 2023)',
      ),
    ],
    findings: [
      'layer-drop: of the four layers of the GPT chance picks the one that block influence picks at two seeds, and one that is missed a hundredth of a nat less at the third. With four layers to choose from the choice says little.',
      'head-merge: before training the mean of two heads is worse than either of them on the GPT and the Llama, for keeping one leaves half of the query heads exact and the mean leaves none. After uptraining the mean wins, as reported: see the study of it.',
      'tie-layers/scale: tying without more than a factor per output leaves the GPT unusable either way (perplexity 561 and 2782, dense 2.1), and which of the two is worse says little; the low-rank correction d25 is in the study of task or reconstruction.',
      'Wanda and magnitude cannot be told apart at 50 % zeros on the GPT and the BERT; why activations add nothing there is open. Nor can GPTQ and rounding at four bits, where rounding loses four thousandths of a nat and there is next to nothing to win; at two bits GPTQ wins a sixth of a nat.',
      'The BERT hardly suffers from anything here (half the rank costs it a tenth of a point), so many of its relations stay undecided.',
    ],
  },
  {
    id: 'low-bit-activations',
    title: 'What happens to activations below eight bits?',
    question:
      'Activations of eight and of four bits beside weights of eight and of four, rounded without training and trained through for a hundred steps.',
    places: [GPT, LLAMA],
    relations: [
      notWorse('int8-dynamic/channel', 'rtn/w8g32', 'eight bits: activations too, against weights alone'),
      notWorse('int8-dynamic/channel', 'int8-static/minmax', 'eight bits: ranges of each call against fixed ones'),
      notWorse('smoothquant/a50', 'int8-dynamic/channel', 'eight bits: smoothed (Xiao et al. 2023) against not'),
      notWorse('gptq/w8a8g32', 'gptq/w8g32', 'eight bits on a fixed grid: activations too, against weights alone'),
      better('gptq/w8a8g32', 'gptq/w8a4g32', 'activations of eight bits against four, weights of eight'),
      notWorse('gptq/w4a8g32', 'gptq/w4g32', 'weights of four bits: activations of eight against float'),
      better('gptq/w4a8g32', 'gptq/w4a4g32', 'weights of four bits: activations of eight against four'),
      better('gptq/w4a8g32', 'gptq/w8a4g32', 'four bits for weights against four bits for activations'),
      notWorse('qat/w4a8g32-n100', 'qat/w4g32-n100', 'trained: activations of eight bits against float'),
      better('qat/w4a8g32-n100', 'qat/w4a4g32-n100', 'trained: activations of eight bits against four'),
      better('qat/w4a4g32-n100', 'gptq/w4a4g32', 'four by four bits: trained against rounded'),
      better('qat/w4a4g32-n100', 'rtn/w3g32', 'four by four bits, trained, against weights of three bits, rounded'),
    ],
    findings: [
      'Activations of eight bits cost the GPT nothing that can be measured, and the Llama half a hundredth of a nat, which its relations fail by.',
      'Activations of four bits cost more than ten times what weights of four bits cost, on the GPT and on the Llama.',
      'Training through four-bit activations wins 0.44 nats on the Llama and loses to GPTQ on the GPT. That is the learning rate, which is one for both: at a third of it the GPT wins (validation perplexity 2.247 against 2.294) and the Llama loses a tenth of a nat.',
      'Activations of four bits are simulated: onnxruntime has no kernel for such products, so nothing is said of speed.',
    ],
  },
  {
    id: 'three-families',
    title: 'Do three families together beat one or two of the same size?',
    question:
      'Layers or weights pruned, distilled for a hundred steps and rounded to four bits, against single methods and pairs whose files are about as large as shipped.',
    places: [GPT],
    relations: [
      better(
        'prune-distill-quantize/s50-w4g32-n100',
        'prune-quantize/s50-w4g32',
        'half zeros, four bits: distilled in between against not',
      ),
      better(
        'prune-distill-quantize/s50-w4g32-n100',
        'qat/w3g32-n100',
        'half zeros, distilled, four bits, against three bits trained',
      ),
      better(
        'prune-distill-quantize/d75-w4g32-n100',
        'svd-quantize/p75-w4g32',
        'fewer layers, distilled, four bits, against lower rank and four bits',
      ),
      better(
        'prune-distill-quantize/d75-s50-w4g32-n100',
        'gptq/w2g32',
        'fewer layers, zeros, distilled, four bits, against two bits rounded',
      ),
      better(
        'prune-distill-quantize/d75-s50-w4g32-n100',
        'qat/w2g32-n100',
        'fewer layers, zeros, distilled, four bits, against two bits trained',
      ),
      better(
        'prune-distill-quantize/d50-w4g32-n100',
        'svd-quantize/p50-w4g32',
        'half the layers, distilled, four bits, against half the rank and four bits',
      ),
      notWorse(
        'prune-distill-quantize/d50-w4g32-n100',
        'logit-kd/small-n100',
        'half the layers, distilled, four bits, against a small model distilled',
      ),
      better(
        'prune-quantize/s50-w4g32',
        'gptq/w3g32',
        'two families without training against one: half zeros at four bits',
      ),
      better('svd-quantize/p75-w4g32', 'prune-quantize/s50-w3g32', 'lower rank at four bits against zeros at three'),
    ],
    findings: [
      'Distilling for a hundred steps between pruning and rounding wins 0.04 nats over pruning and rounding alone, and three families win over one or two at about a quarter of the size, by 0.02 to 0.05 nats; where half the rank is the alternative, by 0.8.',
      'It does not always pay: trained through three bits a model of the same size loses a hundredth of a nat less than half the zeros, distilled, at four bits; and at a quarter of the size a smaller dense model, distilled, beats half of the layers, distilled and rounded.',
      'Two families without training are not better than one: half the zeros at four bits lose to GPTQ at three bits in a file of the same size.',
    ],
  },
  {
    id: 'system-gains',
    title: 'Where are size and speed really won?',
    question:
      'Size of the file and time of a call against the dense model: gains that are there where matrices or numbers become smaller, and none where zeros and shared weights are computed with like any others.',
    places: [GPT, BERT, LLAMA],
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
      better(
        'sparsegpt/2-of-4',
        'structured-heads-neurons/p50',
        'what it costs: half the weights by zeros or by units',
      ),
      better('rtn/w4g32', 'layer-drop/d50', 'what it costs: four bits or half the layers'),
    ],
    findings: [
      'Where matrices become smaller (structured, low rank, layers dropped or made linear) calls with a batch become faster on every model, and the file as much smaller; single tokens, which are mostly overhead in models this small, follow less surely.',
      'Four-bit weights make the file three times smaller and calls with a batch 10 to 27 % slower: the kernel unpacks them for every product. Integer products make such calls faster.',
      'Fewer key-value heads save a tenth of the file and make a single token up to 9 % slower: heads are shared by copying them, and there is no cache of keys and values here that would shrink.',
      'Zeros save neither time nor bytes in the file (as shipped, compressed, they do), and shared layers and clustered values save bytes alone, as expected. Shared bases are an exception with a reason: at 75 % of the parameters their products are smaller too, and calls with a batch 5 to 8 % faster.',
    ],
  },
  {
    id: 'uptraining-head-merge',
    title: 'Does the mean of heads win after uptraining?',
    question:
      'Key and value heads merged into their mean, or replaced by the first or a random one of them, before training and after a hundred and three hundred steps.',
    places: [GPT],
    relations: [
      better('head-merge/pairs', 'head-merge/pairs-first', 'before training: mean against first'),
      better('gqa-uptrained/pairs-n100', 'head-merge/pairs', 'a hundred steps against none'),
      better('gqa-uptrained/pairs-n300', 'gqa-uptrained/pairs-n100', 'three times the steps'),
      better('gqa-uptrained/pairs-n100', 'gqa-uptrained/pairs-first-n100', 'mean against first (Ainslie et al. 2023)'),
      better(
        'gqa-uptrained/pairs-n100',
        'gqa-uptrained/pairs-random-n100',
        'mean against random (Ainslie et al. 2023)',
      ),
      better('gqa-uptrained/pairs-n300', 'gqa-uptrained/pairs-first-n300', 'mean against first, three times the steps'),
      better(
        'gqa-uptrained/pairs-n300',
        'gqa-uptrained/pairs-random-n300',
        'mean against random, three times the steps',
      ),
      better('gqa-uptrained/all-n100', 'gqa-uptrained/all-first-n100', 'one head of all: mean against first'),
      better('gqa-uptrained/all-n100', 'gqa-uptrained/all-random-n100', 'one head of all: mean against random'),
    ],
    findings: [
      'The order turns with training: the mean of two heads loses to the first by 0.42 nats before, and wins by 0.24 after a hundred steps and by 0.13 after three hundred.',
      'Against a head picked at random it wins by 0.07 and 0.03: the longer the training, the less the start counts.',
      'The file becomes 7 % smaller and the perplexity 6 % larger (three hundred steps): grouped queries pay where the cache of keys and values is what costs, which no measure here counts.',
    ],
  },
];

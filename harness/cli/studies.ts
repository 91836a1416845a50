/**
 * Questions put to the board: relations between entries that the literature reports, or that the survey of the field leaves
 * open. Each is also a suite of its own, that measures what it compares; `shrinkrank study` runs it and writes the answer down.
 */
import type { Expectation } from '../evaluate/judge-relation.ts';

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
      better('prune-quantize/s50-w4g32', 'rtn/w2g32', 'zeros and four bits against two bits'),
    ],
    findings: [
      'One shot and adapters come within a twentieth of a nat of gradual pruning of all weights, for a fifth less processor time and a tenth less memory.',
      'Movement pruning loses to magnitude here. Its papers report the reverse from 90 % zeros on and after epochs of fine-tuning; whether it turns with more zeros and steps is open.',
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
      'Most entries were measured at one seed: an interval over items says nothing of other calibration draws.',
      'head-merge: the mean of two heads is worse than either on the GPT and the Llama. Keeping one head leaves half of the query heads exact, the mean leaves none; the order is reported after uptraining.',
      'tie-layers/scale: tying without more than a factor per output leaves the GPT unusable either way (perplexity 561 and 2753, dense 2.1), and which of the two is worse says little; the low-rank correction d25 is in the study of task or reconstruction.',
      'wanda and magnitude cannot be told apart at 50 % zeros on the GPT and the BERT; why activations add nothing there is open.',
      'The BERT hardly suffers from anything here (half the rank costs it a tenth of a point), so many of its relations stay undecided.',
    ],
  },
];

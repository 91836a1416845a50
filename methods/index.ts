/** Every registered method, sorted by id. A method is one file; this list is the only place that names it. */
import type { Method } from '../harness/contracts/method.ts';
import pruneDistillQuantize from './combined/prune-distill-quantize.ts';
import pruneLora from './combined/prune-lora.ts';
import pruneQuantize from './combined/prune-quantize.ts';
import quantizeLowrankCorrection from './combined/quantize-lowrank-correction.ts';
import svdQuantize from './combined/svd-quantize.ts';
import dense from './control/dense.ts';
import logitKd from './distillation/logit-kd.ts';
import studentNoKd from './distillation/student-no-kd.ts';
import svdFinetune from './low-rank/svd-finetune.ts';
import svdWhitened from './low-rank/svd-whitened.ts';
import svd from './low-rank/svd.ts';
import gradualMagnitude from './pruning/gradual-magnitude.ts';
import magnitude from './pruning/magnitude.ts';
import randomMask from './pruning/random-mask.ts';
import sparsegpt from './pruning/sparsegpt.ts';
import wanda from './pruning/wanda.ts';
import awq from './quantization/awq.ts';
import fp16 from './quantization/fp16.ts';
import gptq from './quantization/gptq.ts';
import int8Dynamic from './quantization/int8-dynamic.ts';
import int8Static from './quantization/int8-static.ts';
import kmeans from './quantization/kmeans.ts';
import nf4 from './quantization/nf4.ts';
import qat from './quantization/qat.ts';
import qloraRecovery from './quantization/qlora-recovery.ts';
import rtn from './quantization/rtn.ts';
import smoothquant from './quantization/smoothquant.ts';

export const methods: readonly Method[] = [
  awq,
  dense,
  fp16,
  gptq,
  gradualMagnitude,
  int8Dynamic,
  int8Static,
  kmeans,
  logitKd,
  magnitude,
  nf4,
  pruneDistillQuantize,
  pruneLora,
  pruneQuantize,
  qat,
  qloraRecovery,
  quantizeLowrankCorrection,
  randomMask,
  rtn,
  smoothquant,
  sparsegpt,
  studentNoKd,
  svd,
  svdFinetune,
  svdQuantize,
  svdWhitened,
  wanda,
];

/** Every registered method, sorted by id. A method is one file; this list is the only place that names it. */
import type { Method } from '../harness/contracts/method.ts';
import dense from './control/dense.ts';
import smallerDense from './control/smaller-dense.ts';
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
import fp16 from './quantization/fp16.ts';
import gptq from './quantization/gptq.ts';
import int8Dynamic from './quantization/int8-dynamic.ts';
import qat from './quantization/qat.ts';
import rtn from './quantization/rtn.ts';

export const methods: readonly Method[] = [
  dense,
  fp16,
  gptq,
  gradualMagnitude,
  int8Dynamic,
  logitKd,
  magnitude,
  qat,
  randomMask,
  rtn,
  smallerDense,
  sparsegpt,
  studentNoKd,
  svd,
  svdFinetune,
  svdWhitened,
  wanda,
];

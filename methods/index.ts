/** Every registered method, sorted by id. A method is one file; this list is the only place that names it. */
import type { Method } from '../engine/definitions/method.ts';
import bottleneckStudent from './architecture/bottleneck-student.ts';
import ffnSlice from './architecture/ffn-slice.ts';
import gqaUptrained from './architecture/gqa-uptrained.ts';
import headMerge from './architecture/head-merge.ts';
import linearAttention from './architecture/linear-attention.ts';
import pruneDistillQuantize from './combined/prune-distill-quantize.ts';
import pruneLora from './combined/prune-lora.ts';
import pruneQuantize from './combined/prune-quantize.ts';
import quantizeLowrankCorrection from './combined/quantize-lowrank-correction.ts';
import svdQuantize from './combined/svd-quantize.ts';
import denseFinetune from './control/dense-finetune.ts';
import dense from './control/dense.ts';
import smallerDense from './control/smaller-dense.ts';
import blockLinearization from './distillation/block-linearization.ts';
import distilbertStyle from './distillation/distilbert-style.ts';
import layerwiseFrozen from './distillation/layerwise-frozen.ts';
import logitKd from './distillation/logit-kd.ts';
import minilmStyle from './distillation/minilm-style.ts';
import studentNoKd from './distillation/student-no-kd.ts';
import tinybertStyle from './distillation/tinybert-style.ts';
import asvd from './low-rank/asvd.ts';
import fwsvd from './low-rank/fwsvd.ts';
import losparse from './low-rank/losparse.ts';
import svdFinetune from './low-rank/svd-finetune.ts';
import svdLlmV2 from './low-rank/svd-llm-v2.ts';
import svdWhitened from './low-rank/svd-whitened.ts';
import svd from './low-rank/svd.ts';
import tensorTrain from './low-rank/tensor-train.ts';
import alps from './pruning/alps.ts';
import consecutiveLayers from './pruning/consecutive-layers.ts';
import dsnot from './pruning/dsnot.ts';
import flap from './pruning/flap.ts';
import gradualMagnitude from './pruning/gradual-magnitude.ts';
import kPrune from './pruning/k-prune.ts';
import layerDrop from './pruning/layer-drop.ts';
import magnitude from './pruning/magnitude.ts';
import movement from './pruning/movement.ts';
import randomMask from './pruning/random-mask.ts';
import ria from './pruning/ria.ts';
import slicegpt from './pruning/slicegpt.ts';
import sparsegpt from './pruning/sparsegpt.ts';
import structuredDistilled from './pruning/structured-distilled.ts';
import structuredHeadsNeurons from './pruning/structured-heads-neurons.ts';
import wanda from './pruning/wanda.ts';
import awq from './quantization/awq.ts';
import fp16 from './quantization/fp16.ts';
import gptq from './quantization/gptq.ts';
import hqq from './quantization/hqq.ts';
import int8Dynamic from './quantization/int8-dynamic.ts';
import int8Static from './quantization/int8-static.ts';
import kQuants from './quantization/k-quants.ts';
import kmeans from './quantization/kmeans.ts';
import llmInt8 from './quantization/llm-int8.ts';
import microScaling from './quantization/micro-scaling.ts';
import nf4 from './quantization/nf4.ts';
import qat from './quantization/qat.ts';
import qloraRecovery from './quantization/qlora-recovery.ts';
import quarot from './quantization/quarot.ts';
import rtn from './quantization/rtn.ts';
import smoothquant from './quantization/smoothquant.ts';
import albertStyle from './sharing/albert-style.ts';
import basisSharing from './sharing/basis-sharing.ts';
import recursiveLora from './sharing/recursive-lora.ts';
import tieLayers from './sharing/tie-layers.ts';
import weightClustering from './sharing/weight-clustering.ts';

export const methods: readonly Method[] = [
  albertStyle,
  alps,
  asvd,
  awq,
  basisSharing,
  blockLinearization,
  bottleneckStudent,
  consecutiveLayers,
  dense,
  denseFinetune,
  distilbertStyle,
  dsnot,
  ffnSlice,
  flap,
  fp16,
  fwsvd,
  gptq,
  gqaUptrained,
  gradualMagnitude,
  headMerge,
  hqq,
  int8Dynamic,
  int8Static,
  kPrune,
  kQuants,
  kmeans,
  layerDrop,
  layerwiseFrozen,
  linearAttention,
  llmInt8,
  logitKd,
  losparse,
  magnitude,
  microScaling,
  minilmStyle,
  movement,
  nf4,
  pruneDistillQuantize,
  pruneLora,
  pruneQuantize,
  qat,
  qloraRecovery,
  quantizeLowrankCorrection,
  quarot,
  randomMask,
  recursiveLora,
  ria,
  rtn,
  slicegpt,
  smallerDense,
  smoothquant,
  sparsegpt,
  structuredDistilled,
  structuredHeadsNeurons,
  studentNoKd,
  svd,
  svdFinetune,
  svdLlmV2,
  svdQuantize,
  svdWhitened,
  tensorTrain,
  tieLayers,
  tinybertStyle,
  wanda,
  weightClustering,
];

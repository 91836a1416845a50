/** Normalizations of the standard and of com.microsoft. */
import { present } from '../../../contracts/present.ts';
import { dtypeAttribute, normalAxis, sameAsFirst, shaped, type ShapeRule, type ShapeRules } from './rule.ts';

/** Outputs: normalized, mean and inverse deviation with the normalized axes of length 1. */
const layerNormalization: ShapeRule = (context) => {
  const { dtype, dims } = context.input(0);
  const axis = normalAxis(context, context.int('axis', -1), dims.length);
  const statistics = dims.map((dim, at) => (at < axis ? dim : 1));
  const statisticsType = dtypeAttribute(context, 'stash_type', 'float32');
  return [shaped(dtype, dims), shaped(statisticsType, statistics), shaped(statisticsType, statistics)];
};

/** Outputs: normalized, mean, inverse deviation, sum of input and skip. */
const skipNormalization: ShapeRule = (context) => {
  const { dtype, dims } = context.input(0);
  const statistics = dims.map((dim, axis) => (axis < dims.length - 1 ? dim : 1));
  return [shaped(dtype, dims), shaped('float32', statistics), shaped('float32', statistics), shaped(dtype, dims)];
};

/** Running mean and variance are outputs since training_mode (opset 14), before that only in training. */
const batchNormalization: ShapeRule = (context) => {
  const { dtype, dims } = context.input(0);
  const channels = [dims[1] ?? 1];
  const statistics = shaped(context.input(3).dtype, channels);
  return [shaped(dtype, dims), statistics, statistics, statistics, statistics];
};

/** Outputs: embedding [batch, sequence, width], mask index [batch], sum of the embeddings. */
const embedLayerNormalization: ShapeRule = (context) => {
  const [batch, sequence] = context.input(0).dims as readonly [number, number];
  const words = context.input(2);
  const embedded = [batch, sequence, present(words.dims.at(-1), 'last of words.dims')];
  return [shaped(words.dtype, embedded), shaped('int32', [batch]), shaped(words.dtype, embedded)];
};

export const normalization: ShapeRules = {
  LayerNormalization: layerNormalization,
  RMSNormalization: sameAsFirst,
  SimplifiedLayerNormalization: layerNormalization,
  BatchNormalization: batchNormalization,
  InstanceNormalization: sameAsFirst,
  GroupNormalization: sameAsFirst,
  'com.microsoft:SimplifiedLayerNormalization': layerNormalization,
  'com.microsoft:SkipLayerNormalization': skipNormalization,
  'com.microsoft:SkipSimplifiedLayerNormalization': skipNormalization,
  'com.microsoft:SkipGroupNorm': (context) => [
    shaped(context.input(0).dtype, context.input(0).dims),
    shaped(context.input(0).dtype, context.input(0).dims),
  ],
  'com.microsoft:EmbedLayerNormalization': embedLayerNormalization,
  'com.microsoft:GroupNorm': sameAsFirst,
};

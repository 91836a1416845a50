/** Quantizing and dequantizing; products with packed weights are in matmul.ts. */
import { dtypeAttribute, shaped, type ShapeRule, type ShapeRules } from './rule.ts';

const quantize: ShapeRule = (context) => {
  const zeroPoint = context.optional(2)?.dtype;
  return [shaped(dtypeAttribute(context, 'output_dtype', zeroPoint ?? 'uint8'), context.input(0).dims)];
};

const dequantize: ShapeRule = (context) => [
  shaped(dtypeAttribute(context, 'output_dtype', context.input(1).dtype), context.input(0).dims),
];

export const quantization: ShapeRules = {
  QuantizeLinear: quantize,
  DequantizeLinear: dequantize,
  'com.microsoft:QuantizeLinear': quantize,
  'com.microsoft:DequantizeLinear': dequantize,
  DynamicQuantizeLinear: (context) => [
    shaped('uint8', context.input(0).dims),
    shaped('float32', []),
    shaped('uint8', []),
  ],
};

/** Rounds to the nearest whole number, halves to the even one, as ONNX's Round and QuantizeLinear do. */
export function roundHalfToEven(value: number): number {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

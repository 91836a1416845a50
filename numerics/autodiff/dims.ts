/** Compares dimensions under ONNX's broadcasting rules. https://onnx.ai/onnx/repo-docs/Broadcasting.html */

export function sameDims(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((dim, axis) => dim === b[axis]);
}

/** Whether `from` broadcasts to exactly `to`. */
export function broadcastsTo(from: readonly number[], to: readonly number[]): boolean {
  const offset = to.length - from.length;
  return offset >= 0 && from.every((dim, axis) => dim === 1 || dim === to[axis + offset]);
}

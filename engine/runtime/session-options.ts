/**
 * Options of onnxruntime that change which kernels run. They affect what a row measures, so they are fixed here and
 * stored with it:
 * https://github.com/microsoft/onnxruntime/blob/v1.30.0/include/onnxruntime/core/session/onnxruntime_session_options_config_keys.h
 */
export const PINNED_SESSION_OPTIONS = {
  graphOptimizationLevel: 'all',
  executionMode: 'sequential',
  interOpNumThreads: 1,
  enableCpuMemArena: true,
  enableMemPattern: true,
  config: {
    /**
     * Fuses DequantizeLinear + MatMul to MatMulNBits with int8 arithmetic, onnxruntime's own default; an explicit
     * MatMulNBits node keeps its own accuracy level.
     */
    'session.qdq_matmulnbits_accuracy_level': '4',
    /** The second fusion pass of this kind, meant for other providers. */
    'session.enable_dq_matmulnbits_fusion': '0',
    'session.disable_quant_qdq': '0',
    /**
     * Idle threads sleep: the dense model's session must not use the cores on which the candidate, timed alternately,
     * runs.
     */
    'session.intra_op.allow_spinning': '0',
    'session.inter_op.allow_spinning': '0',
  },
} as const;

export type PinnedSessionOptions = typeof PINNED_SESSION_OPTIONS;

/** The pinned options and those given, as rows record them. */
export function recordedOptions(given: {
  readonly threads: number;
  readonly provider?: string;
}): Record<string, string | number | boolean> {
  const { config, ...pinned } = PINNED_SESSION_OPTIONS;
  return { ...pinned, ...config, executionProvider: given.provider ?? 'cpu', intraOpNumThreads: given.threads };
}

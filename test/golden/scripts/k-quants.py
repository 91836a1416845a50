"""Golden values for methods/quantization/k-quants.ts: the quantizers of ggml with an importance matrix, decoded by gguf.

Run: python -P test/golden/scripts/k-quants.py PATH/libggml-base.so
(needs numpy and gguf; made with gguf 0.19.0 and the libggml-base.so.0.13.1 of the wheel pywhispercpp for Python 3.11)
Writes test/golden/k-quants.json: decoded weights [out, in] as base64 of float32. Weights and importances come from formulas that the
test repeats: products of exact numbers only.
"""

import base64
import ctypes
import json
import pathlib
import sys

import gguf
import numpy as np

ROWS, COLUMNS = 6, 512


def uniform(count, seed):
    i = np.arange(count, dtype=np.int64)
    return 2 * (((i * (i + 3 + seed) * 7919 + seed * 104729) % 10007) / 10007) - 1


weight = (uniform(ROWS * COLUMNS, 1) ** 3).astype(np.float32)
importance = ((1 + uniform(COLUMNS, 2)) ** 2 + 1 / 64).astype(np.float32)
floats = lambda array: array.ctypes.data_as(ctypes.POINTER(ctypes.c_float))

library = ctypes.CDLL(sys.argv[1])
cases = []
for name, kind in [("q4", gguf.GGMLQuantizationType.Q4_K), ("q3", gguf.GGMLQuantizationType.Q3_K), ("q2", gguf.GGMLQuantizationType.Q2_K)]:
    block, size = gguf.GGML_QUANT_SIZES[kind]
    packed = np.zeros(ROWS * COLUMNS // block * size, dtype=np.uint8)
    library.ggml_quantize_chunk(
        ctypes.c_int(int(kind)),
        floats(weight),
        packed.ctypes.data_as(ctypes.c_void_p),
        ctypes.c_int64(0),
        ctypes.c_int64(ROWS),
        ctypes.c_int64(COLUMNS),
        floats(importance),
    )
    decoded = gguf.dequantize(packed.reshape(ROWS, -1), kind).astype(np.float32)
    cases.append({"format": name, "weight": base64.b64encode(decoded.tobytes()).decode()})
path = pathlib.Path(__file__).parent.parent / "k-quants.json"
path.write_text(json.dumps(cases, indent=1) + "\n")

"""Golden values for methods/shared/formats/micro-scaling.ts: E2M1 and E4M3 of ml_dtypes, scales by the specifications.

Run: python -P test/golden/scripts/micro-scaling.py   (needs numpy and ml_dtypes)
Writes test/golden/micro-scaling.json: levels, and decoded weights [out, in] as base64 of float32. Weights come from a formula that
the test repeats: products of exact numbers only.
"""

import base64
import json
import pathlib

import ml_dtypes
import numpy as np

ROWS, COLUMNS = 12, 128


def levels(dtype, count):
    return np.arange(count, dtype=np.uint8).view(dtype).astype(np.float64)


i = np.arange(ROWS * COLUMNS, dtype=np.int64)
v = 2 * (((i * (i + 3) * 7919) % 10007) / 10007) - 1
weight = (v * v * v * (1 + i % 7) / 16).astype(np.float32).reshape(ROWS, COLUMNS)

blocks = weight.reshape(ROWS, -1, 32)
scale = 2.0 ** (np.floor(np.log2(np.abs(blocks).max(-1, keepdims=True))) - 2)
clipped = np.clip(blocks / scale, -6, 6)
mxfp4 = (clipped.astype(ml_dtypes.float4_e2m1fn).astype(np.float32) * scale).astype(np.float32)

blocks = weight.reshape(ROWS, -1, 16)
factor = np.float32(np.abs(weight).max() / (6 * 448))
scale = (np.abs(blocks).max(-1, keepdims=True) / (6 * factor)).astype(ml_dtypes.float8_e4m3fn).astype(np.float32) * factor
clipped = np.clip(blocks / scale, -6, 6)
nvfp4 = clipped.astype(ml_dtypes.float4_e2m1fn).astype(np.float32) * scale

encode = lambda array: base64.b64encode(np.ascontiguousarray(array.astype(np.float32)).tobytes()).decode()
path = pathlib.Path(__file__).parent.parent / "micro-scaling.json"
golden = {
    "e2m1": levels(ml_dtypes.float4_e2m1fn, 8).tolist(),
    "e4m3": levels(ml_dtypes.float8_e4m3fn, 127).tolist(),
    "mxfp4": encode(mxfp4.reshape(ROWS, COLUMNS)),
    "nvfp4": encode(nvfp4.reshape(ROWS, COLUMNS)),
}
path.write_text(json.dumps(golden, indent=1) + "\n")

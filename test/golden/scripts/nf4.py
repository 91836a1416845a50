"""Golden values for methods/quantization/nf4.ts: bitsandbytes' 4-bit quantizer with and without double quantization.

Run: python test/golden/scripts/nf4.py   (needs numpy, torch and bitsandbytes; made with bitsandbytes 0.50.2 on the CPU)
Writes test/golden/nf4.json. Arrays as base64 of their bytes; packed codes high half first. Weights [out, in] come from a formula
that the test repeats: products of exact numbers only.
"""

import base64
import json
import pathlib

import bitsandbytes
import bitsandbytes.functional as functional
import numpy as np
import torch


def encode(array):
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def weights(shape):
    i = np.arange(shape[0] * shape[1], dtype=np.int64)
    v = 2 * (((i * (i + 3) * 7919) % 10007) / 10007) - 1
    return (v * v * v * (1 + i % 7)).astype(np.float32).reshape(shape)


cases = []
for name, shape in [("whole rows", (10, 64)), ("blocks across rows", (6, 43)), ("many blocks", (300, 32))]:
    weight = weights(shape)
    for block in (32, 64):
        if name == "many blocks" and block == 64:
            continue
        for kind in ("nf4", "fp4"):
            for nested in (False, True):
                packed, state = functional.quantize_4bit(
                    torch.from_numpy(weight), blocksize=block, quant_type=kind, compress_statistics=nested
                )
                restored = functional.dequantize_4bit(packed, state).numpy()
                entry = {
                    "name": name,
                    "type": kind,
                    "blockSize": block,
                    "nested": nested,
                    "inFeatures": shape[1],
                    "outFeatures": shape[0],
                    "packed": encode(packed.numpy().ravel()),
                    "restoredSum": float(np.abs(restored.astype(np.float64)).sum()),
                }
                if nested:
                    entry["absmaxCodes"] = encode(state.absmax.numpy())
                    entry["absmaxScales"] = encode(state.state2.absmax.numpy())
                    entry["offset"] = float(state.offset)
                else:
                    entry["absmax"] = encode(state.absmax.numpy())
                cases.append(entry)

result = {
    "bitsandbytes": bitsandbytes.__version__,
    "nf4": functional.get_4bit_type("nf4", device="cpu").tolist(),
    "fp4": functional.get_4bit_type("fp4", device="cpu").tolist(),
    "dynamic": functional.create_dynamic_map().tolist(),
    "cases": cases,
}
path = pathlib.Path(__file__).parent.parent / "nf4.json"
path.write_text(json.dumps(result) + "\n")
print(path, path.stat().st_size)

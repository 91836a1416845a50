"""Golden values for methods/quantization/hqq.ts: the quantizer of hqq, https://github.com/mobiusml/hqq.

Run: python -P test/golden/scripts/half-quadratic.py   (needs torch and hqq; made with hqq 0.2.8.post1 on the CPU)
Writes test/golden/hqq.json. Arrays as base64 of their bytes: codes uint8 [out, in], scales and zero points float32 [out, blocks].
Weights [out, in] come from a formula that the test repeats: products of exact numbers only.
"""

import base64
import json
import pathlib

import numpy as np
import torch
from hqq.core.quantize import Quantizer


def encode(array):
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def weights(shape):
    i = np.arange(shape[0] * shape[1], dtype=np.int64)
    v = 2 * (((i * (i + 3) * 7919) % 10007) / 10007) - 1
    return (v * v * v * (1 + i % 7) / 16).astype(np.float32).reshape(shape)


cases = []
for shape, group in [((10, 64), 32), ((24, 96), 16), ((16, 128), 128)]:
    for bits in (2, 3, 4):
        codes, meta = Quantizer.quantize(
            torch.from_numpy(weights(shape)),
            nbits=bits,
            group_size=group,
            axis=1,
            round_zero=bits == 4,
            bitpack=False,
            device="cpu",
            compute_dtype=torch.float32,
        )
        cases.append(
            {
                "outFeatures": shape[0],
                "inFeatures": shape[1],
                "groupSize": group,
                "bits": bits,
                "codes": encode(codes.numpy().astype(np.uint8).reshape(shape)),
                "scales": encode(meta["scale"].numpy().astype(np.float32)),
                "zeroPoints": encode(meta["zero"].numpy().astype(np.float32)),
            }
        )
path = pathlib.Path(__file__).parent.parent / "hqq.json"
path.write_text(json.dumps(cases, indent=1) + "\n")

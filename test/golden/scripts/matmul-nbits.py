"""Golden values for methods/shared/formats/matmul-nbits.ts: ONNX Runtime's own weight-only quantizer.

Run: python test/golden/scripts/matmul-nbits.py   (needs numpy and onnxruntime; made with onnxruntime 1.32.0)
Writes test/golden/matmul-nbits.json. Codes, scales and zero points as base64 of their bytes; weight [in, out] float32.
"""

import base64
import json
import pathlib

import numpy as np
import onnxruntime
from onnxruntime.capi import _pybind_state as native

quantizers = {2: native.quantize_matmul_2bits, 4: native.quantize_matmul_4bits, 8: native.quantize_matmul_8bits}


def encode(array):
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def quantize(weight, bits, block, symmetric):
    """As DefaultWeightOnlyQuantizer.qbits_block_quant does for the QOperator format."""
    rows, columns = weight.shape
    blocks = -(-rows // block)
    padded = np.pad(weight, ((0, blocks * block - rows), (0, 0)))
    packed = np.zeros((columns, blocks, block * bits // 8), dtype=np.uint8)
    zero_points = np.zeros((columns, -(-blocks * bits // 8)), dtype=np.uint8)
    scales = np.zeros((columns, blocks), dtype=np.float32)
    quantizers[bits](packed, padded, scales, zero_points, block, columns, rows, symmetric)
    return packed, scales, zero_points


def weights():
    generator = np.random.default_rng(20260)
    yield "gaussian", generator.standard_normal((64, 3)).astype(np.float32), [16, 32, 64]
    yield "short last block", generator.standard_normal((72, 3)).astype(np.float32), [16, 32, 128]
    yield "odd length", generator.laplace(size=(37, 2)).astype(np.float32), [16, 32]
    yield "one short block", generator.standard_normal((5, 2)).astype(np.float32), [16]
    edge = np.zeros((64, 5), dtype=np.float32)
    edge[:, 1] = np.abs(generator.standard_normal(64))
    edge[:, 2] = -np.abs(generator.standard_normal(64))
    edge[:, 3] = generator.integers(-8, 9, 64) / 2
    edge[:32, 4] = generator.standard_normal(32) * 1e-38
    edge[32:, 4] = 0.75
    yield "zeros, one sign, ties, tiny values, constants", edge, [16, 32]


cases = []
for name, weight, block_sizes in weights():
    entry = {"name": name, "inFeatures": weight.shape[0], "outFeatures": weight.shape[1], "weight": encode(weight), "outputs": []}
    for block in block_sizes:
        for bits in (2, 4, 8):
            for symmetric in (True, False):
                packed, scales, zero_points = quantize(weight, bits, block, symmetric)
                entry["outputs"].append(
                    {
                        "bits": bits,
                        "blockSize": block,
                        "symmetric": symmetric,
                        "codes": encode(packed),
                        "scales": encode(scales),
                        "zeroPoints": encode(zero_points),
                    }
                )
    cases.append(entry)

path = pathlib.Path(__file__).parent.parent / "matmul-nbits.json"
path.write_text(json.dumps({"onnxruntime": onnxruntime.__version__, "cases": cases}, indent=1) + "\n")
print(path, path.stat().st_size)

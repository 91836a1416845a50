"""Golden values for methods/pruning/dsnot.ts: the DSnoT of Intel Neural Compressor, which is the authors' code as one function.

Run: python -P test/golden/scripts/dsnot.py   (needs torch, transformers and neural-compressor; made with neural-compressor 2.6)
Writes test/golden/dsnot.json: masks as base64 of bytes [out, in], 1 where a weight is pruned. Weights [out, in] and inputs
[positions, in] come from formulas that the test repeats: products of exact numbers only.
"""

import base64
import importlib
import importlib.util
import json
import pathlib
import sys
import types

import numpy as np
import torch

# One function of the package is wanted, and importing the package as a whole asks for much more.
folder = importlib.util.find_spec("neural_compressor").submodule_search_locations[0]
for name in ["", ".compression", ".compression.pruner", ".utils"]:
    module = types.ModuleType("neural_compressor" + name)
    module.__path__ = [folder + name.replace(".", "/")]
    sys.modules["neural_compressor" + name] = module
utility = types.ModuleType("neural_compressor.utils.utility")
utility.LazyImport = importlib.import_module
sys.modules["neural_compressor.utils.utility"] = utility
wrapper = types.ModuleType("neural_compressor.compression.pruner.wanda.wrapper")


class WrappedGPT:
    """Statistics of the inputs of one sequence, as the package's class of this name has them."""

    def __init__(self, layer, inputs):
        self.layer = layer
        self.scaler_row = (inputs**2).sum(0)
        self.sum_metric_row = inputs.sum(0)
        self.var = inputs.var(0, unbiased=False)


wrapper.WrappedGPT = WrappedGPT
sys.modules["neural_compressor.compression.pruner.wanda"] = types.ModuleType("wanda")
sys.modules["neural_compressor.compression.pruner.wanda.wrapper"] = wrapper
from neural_compressor.compression.pruner.dsnot import DSnoT  # noqa: E402

POSITIONS = 2048
# With more of them the lists of candidates run out, and the code takes weights of the wrong sign.
EXCHANGES = 12


def uniform(count, seed):
    i = np.arange(count, dtype=np.int64)
    return 2 * (((i * (i + 3 + seed) * 7919 + seed * 104729) % 10007) / 10007) - 1


cases = []
for rows, columns, ratio, pattern in [(12, 128, 0.5, None), (8, 192, 0.7, None), (12, 128, 0.5, (2, 4))]:
    v = uniform(rows * columns, 1)
    weight = (v * v * v).astype(np.float32).reshape(rows, columns)
    strength = 1 + (np.arange(columns) % 5)
    shift = ((np.arange(columns) % 7) - 3) / 8
    inputs = (uniform(POSITIONS * columns, 2).reshape(POSITIONS, columns) * strength + shift).astype(np.float32)
    layer = torch.nn.Linear(columns, rows, bias=False)
    layer.weight.data = torch.from_numpy(weight)
    wrapped = WrappedGPT(layer, torch.from_numpy(inputs))
    metric = torch.abs(layer.weight.data) * torch.sqrt(wrapped.scaler_row.reshape(1, -1))
    n, m = pattern or (0, 0)
    mask = DSnoT(metric, ratio, wrapped, prune_n=n, prune_m=m, max_cycle_time=EXCHANGES)
    cases.append(
        {
            "outFeatures": rows,
            "inFeatures": columns,
            "sparsity": f"{m - n}:{m}" if pattern else ratio,
            "pruned": base64.b64encode(mask.numpy().astype(np.uint8).tobytes()).decode(),
        }
    )
path = pathlib.Path(__file__).parent.parent / "dsnot.json"
path.write_text(json.dumps(cases, indent=1) + "\n")

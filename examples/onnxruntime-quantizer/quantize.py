"""onnxruntime's own dynamic quantizer, on the folder that defineExternalMethod describes."""

import json
import sys
from pathlib import Path

import onnxruntime
from onnxruntime.quantization import QuantType, quantize_dynamic

folder = Path(sys.argv[1])
params = json.loads((folder / "input" / "params.json").read_text())["params"]
quantize_dynamic(
    folder / "input" / "model.onnx",
    folder / "output" / "model.onnx",
    op_types_to_quantize=["MatMul", "Gather"] if params["embedding"] else ["MatMul"],
    per_channel=params["perChannel"],
    reduce_range=params["reducedRange"],
    weight_type=QuantType.QInt8,
)
notes = {"notes": [f"quantized by onnxruntime {onnxruntime.__version__} of Python"]}
(folder / "output" / "notes.json").write_text(json.dumps(notes))

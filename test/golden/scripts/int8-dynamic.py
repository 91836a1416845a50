"""Golden values for methods/quantization/int8-dynamic.ts: onnxruntime.quantization.quantize_dynamic.

Run: python test/golden/scripts/int8-dynamic.py   (needs numpy, onnx, onnxruntime; made with onnxruntime 1.32.0)
Writes test/golden/int8-dynamic.json: one MatMul, its int8 weight and scale, and the output for an input, base64 of bytes.
"""

import base64
import json
import pathlib
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic


def encode(array):
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def quantize(weight, per_channel, reduce_range, folder):
    rows, columns = weight.shape
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"], "linear")],
        "linear",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", "sequence", rows])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", "sequence", columns])],
        [numpy_helper.from_array(weight, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    source, target = folder / "dense.onnx", folder / "quantized.onnx"
    onnx.save(model, source)
    quantize_dynamic(source, target, weight_type=QuantType.QInt8, per_channel=per_channel, reduce_range=reduce_range)
    return onnx.load(target), target


generator = np.random.default_rng(20261)
gaussian = generator.standard_normal((24, 5)).astype(np.float32)
ties = (generator.integers(-127, 128, (24, 5)) / 2).astype(np.float32)
ties[0] = 63.5
ties[:, 4] = 0
cases = []
with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    for label, weight in (("gaussian", gaussian), ("halves and a column of zeros", ties)):
        for per_channel in (False, True):
            for reduce_range in (False, True):
                quantized, path = quantize(weight, per_channel, reduce_range, folder)
                tensors = {t.name: numpy_helper.to_array(t) for t in quantized.graph.initializer}
                x = generator.standard_normal((1, 3, 24)).astype(np.float32)
                options = onnxruntime.SessionOptions()
                session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
                cases.append(
                    {
                        "name": label,
                        "inFeatures": 24,
                        "outFeatures": 5,
                        "granularity": "channel" if per_channel else "tensor",
                        "reducedRange": reduce_range,
                        "weight": encode(weight),
                        "codes": encode(tensors["w_quantized"]),
                        "scales": encode(tensors["w_scale"]),
                        "input": encode(x),
                        "output": encode(session.run(None, {"x": x})[0]),
                    }
                )
                assert not tensors["w_zero_point"].any()

path = pathlib.Path(__file__).parent.parent / "int8-dynamic.json"
path.write_text(json.dumps({"onnxruntime": onnxruntime.__version__, "cases": cases}, indent=1) + "\n")
print(path, path.stat().st_size)

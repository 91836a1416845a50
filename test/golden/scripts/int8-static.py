"""Golden values for methods/quantization/int8-static.ts: onnxruntime.quantization.quantize_static in the QDQ format.

Run: python test/golden/scripts/int8-static.py   (needs numpy, onnx and onnxruntime; made with onnxruntime 1.32.0)
Writes test/golden/int8-static.json. Arrays as base64 of their bytes; weight [in, out], inputs [1, rows, in], output [1, rows, out].
"""

import base64
import json
import logging
import pathlib
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.calibrate import CalibrationDataReader

logging.disable(logging.WARNING)


def encode(array):
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


class Reader(CalibrationDataReader):
    def __init__(self, batches):
        self.batches = iter([{"x": batch} for batch in batches])

    def get_next(self):
        return next(self.batches, None)


def model(weight):
    rows, columns = weight.shape
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"], name="linear")],
        "linear",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, "rows", rows])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, "rows", columns])],
        [numpy_helper.from_array(weight, "w")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


def quantized(weight, batches, per_channel):
    with tempfile.TemporaryDirectory() as folder:
        source, target = f"{folder}/a.onnx", f"{folder}/b.onnx"
        onnx.save(model(weight), source)
        quantize_static(
            source,
            target,
            Reader(batches),
            quant_format=QuantFormat.QDQ,
            per_channel=per_channel,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
            extra_options={"WeightSymmetric": True},
        )
        return onnx.load(target)


generator = np.random.default_rng(20261)
cases = []
for name, shape, low in [("gaussian", (24, 10), None), ("positive inputs", (37, 6), 0)]:
    weight = generator.standard_normal(shape).astype(np.float32)
    batches = [generator.standard_normal((1, 5, shape[0])).astype(np.float32) * (i + 1) for i in range(3)]
    test = generator.standard_normal((1, 3, shape[0])).astype(np.float32) * 4
    if low is not None:
        batches, test = [np.abs(batch) for batch in batches], np.abs(test)
    for per_channel in (True, False):
        result = quantized(weight, batches, per_channel)
        stored = {item.name: numpy_helper.to_array(item) for item in result.graph.initializer}
        session = onnxruntime.InferenceSession(result.SerializeToString())
        cases.append(
            {
                "name": name,
                "granularity": "channel" if per_channel else "tensor",
                "inFeatures": shape[0],
                "outFeatures": shape[1],
                "weight": encode(weight),
                "batches": [encode(batch) for batch in batches],
                "input": encode(test),
                "output": encode(session.run(None, {"x": test})[0]),
                "inputScale": float(stored["x_scale"]),
                "inputZeroPoint": int(stored["x_zero_point"]),
                "outputScale": float(stored["y_scale"]),
                "outputZeroPoint": int(stored["y_zero_point"]),
                "codes": encode(stored["w_quantized"]),
            }
        )

path = pathlib.Path(__file__).parent.parent / "int8-static.json"
path.write_text(json.dumps({"onnxruntime": onnxruntime.__version__, "cases": cases}, indent=1) + "\n")
print(path, path.stat().st_size)

"""Packs the ONNX project's own node test cases into test/golden/onnx/node-cases.zst.

    python onnx-node-cases.py <archive> [<directory>]    with onnx 1.23.2, numpy and the zstd program

The archive is zstd over: uint32 length of the index, index (JSON), data. The index has one entry per case:
name, model [offset, length], inputs [[name, offset, length]] of the first data set as TensorProto, and runnable: false
where an input is no tensor or larger than MAX_INPUT_BYTES. With a directory the cases are also written there as
<name>/model.onnx and <name>/test_data_set_0/input_<i>.pb, the layout scripts/check-onnx-node-cases.ts reads.
"""
import json, os, struct, subprocess, sys
import numpy as np
from onnx import numpy_helper
from onnx.backend.test.case.node import collect_testcases

MAX_INPUT_BYTES = 1 << 16

index, data = [], bytearray()
def put(blob):
    offset = len(data)
    data.extend(blob)
    return [offset, len(blob)]

for case in sorted(collect_testcases(None), key=lambda c: c.name):
    if case.model is None:
        continue
    model = case.model.SerializeToString()
    inputs, runnable = [], bool(case.data_sets)
    names = [v.name for v in case.model.graph.input]
    for name, value in zip(names, case.data_sets[0][0] if case.data_sets else []):
        tensor = None
        if isinstance(value, np.ndarray) or np.isscalar(value):
            info = next(v for v in case.model.graph.input if v.name == name)
            tensor = numpy_helper.from_array(np.asarray(value), name)
            if info.type.WhichOneof("value") != "tensor_type":
                tensor = None
        if tensor is None or len(tensor.SerializeToString()) > MAX_INPUT_BYTES:
            runnable = False
            continue
        inputs.append((name, tensor.SerializeToString()))
    entry = {"name": case.name, "model": put(model), "runnable": runnable,
             "inputs": [[n, *put(b)] for n, b in inputs] if runnable else []}
    index.append(entry)
    if len(sys.argv) > 2:
        folder = os.path.join(sys.argv[2], case.name)
        os.makedirs(os.path.join(folder, "test_data_set_0"), exist_ok=True)
        open(os.path.join(folder, "model.onnx"), "wb").write(model)
        if runnable:
            for i, (_, blob) in enumerate(inputs):
                open(os.path.join(folder, "test_data_set_0", f"input_{i}.pb"), "wb").write(blob)

head = json.dumps(index, separators=(",", ":")).encode()
packed = struct.pack("<I", len(head)) + head + bytes(data)
subprocess.run(["zstd", "-q", "-f", "--ultra", "-22", "-o", sys.argv[1]], input=packed, check=True)
print(len(index), "cases,", sum(e["runnable"] for e in index), "runnable,", len(packed), "bytes,", os.path.getsize(sys.argv[1]), "packed")

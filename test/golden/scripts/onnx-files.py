"""Writes the ONNX files under test/golden/onnx that hold what the node cases do not.

    python onnx-files.py <directory>      with onnx 1.23.2, ml_dtypes

tensors.onnx       per element type an initializer `<type>.typed` with its data in the typed field and `<type>.raw`, the same
                   elements as raw_data by numpy_helper
everything.onnx    one of everything a ModelProto can hold, a subgraph, a function, fields no onnx.proto has
external/model.onnx, external/weights.bin    external data with offset, length and checksum
"""
import hashlib, os, sys
import numpy as np
import onnx
from onnx import TensorProto as T, helper as h, numpy_helper

out = sys.argv[1]

def save(model, *path):
    name = os.path.join(out, *path)
    os.makedirs(os.path.dirname(name), exist_ok=True)
    open(name, "wb").write(model.SerializeToString())

def entries(field, pairs):
    for k, v in pairs.items():
        e = field.add(); e.key = k; e.value = v

# --- tensors
inits = []
rng = np.random.default_rng(7)
for code in sorted(T.DataType.values()):
    if code in (T.UNDEFINED, T.STRING):
        continue
    name = T.DataType.Name(code).lower()
    np_type = h.tensor_dtype_to_np_dtype(code)
    count = 15
    if code in (T.COMPLEX64, T.COMPLEX128):
        values = (rng.normal(size=count) + 1j * rng.normal(size=count)).astype(np_type)
    elif code == T.BOOL:
        values = rng.integers(0, 2, count).astype(bool)
    elif code in (T.INT4, T.UINT4, T.INT2, T.UINT2):
        bits = 4 if code in (T.INT4, T.UINT4) else 2
        lo = -(1 << (bits - 1)) if code in (T.INT4, T.INT2) else 0
        values = rng.integers(lo, lo + (1 << bits), count).astype(np_type)
    elif np.issubdtype(np_type, np.integer):
        info = np.iinfo(np_type)
        values = np.concatenate([[info.min, info.max], rng.integers(info.min, info.max, count - 2, dtype=np_type)]).astype(np_type)
    else:
        values = np.abs(rng.normal(size=count)).astype(np.float32).astype(np_type)
        if code != T.FLOAT8E8M0:
            values = np.concatenate([values[:8], (-values[8:].astype(np.float32)).astype(np_type)])
    values = values.reshape(3, 5)
    raw = numpy_helper.from_array(values, name + ".raw")
    typed = T(name=name + ".typed", data_type=code, dims=[3, 5])
    flat = values.reshape(-1)
    if code in (T.FLOAT,):
        typed.float_data.extend(flat.tolist())
    elif code == T.COMPLEX64:
        typed.float_data.extend(flat.view(np.float32).tolist())
    elif code == T.DOUBLE:
        typed.double_data.extend(flat.tolist())
    elif code == T.COMPLEX128:
        typed.double_data.extend(flat.view(np.float64).tolist())
    elif code == T.INT64:
        typed.int64_data.extend(flat.tolist())
    elif code in (T.UINT32, T.UINT64):
        typed.uint64_data.extend(flat.tolist())
    elif code in (T.INT32, T.INT16, T.INT8, T.UINT16, T.UINT8, T.BOOL):
        typed.int32_data.extend(int(x) for x in flat)
    elif code in (T.FLOAT16, T.BFLOAT16):
        typed.int32_data.extend(int(x) for x in np.frombuffer(raw.raw_data, np.uint16))
    elif code in (T.FLOAT6E2M3, T.FLOAT6E3M2):
        typed.int32_data.extend(int(x) for x in flat.view(np.uint8))
    else:  # 8 bits each, or packed bytes of 4- and 2-bit ones
        typed.int32_data.extend(raw.raw_data)
    assert np.array_equal(numpy_helper.to_array(typed).view(np.uint8), numpy_helper.to_array(raw).view(np.uint8)), name
    inits += [typed, raw]
strings = T(name="string.typed", data_type=T.STRING, dims=[2, 2])
strings.string_data.extend(["a".encode(), "ä€".encode(), b"", b"\xff\x00"])
inits.append(strings)
inits.append(T(name="empty.typed", data_type=T.FLOAT, dims=[0, 4]))
graph = h.make_graph([h.make_node("Identity", ["x"], ["y"])], "tensors",
    [h.make_tensor_value_info("x", T.FLOAT, [1])], [h.make_tensor_value_info("y", T.FLOAT, [1])], inits)
save(h.make_model(graph, ir_version=14, opset_imports=[h.make_opsetid("", 26)]), "tensors.onnx")

# --- everything
x = h.make_tensor_value_info("x", T.FLOAT, ["batch", 4])
x.type.denotation = "TENSOR"
x.type.tensor_type.shape.dim[0].denotation = "DATA_BATCH"
x.doc_string = "the input"
entries(x.metadata_props, {"k": "v"})
cond = h.make_tensor_value_info("cond", T.BOOL, [])
y = h.make_tensor_value_info("y", T.FLOAT, ["batch", None])
w = numpy_helper.from_array(np.arange(16, dtype=np.float32).reshape(4, 4), "w")
w.doc_string = "weight"
entries(w.metadata_props, {"source": "test"})
sparse = h.make_sparse_tensor(h.make_tensor("s", T.FLOAT, [2], [1.0, 2.0]),
                              h.make_tensor("s.indices", T.INT64, [2], [1, 6]), [4, 4])
then = h.make_graph([h.make_node("Add", ["mm", "bias"], ["t"], name="then_add")], "then", [],
                    [h.make_tensor_value_info("t", T.FLOAT, None)],
                    [numpy_helper.from_array(np.ones(4, np.float32), "bias")])
other = h.make_graph([h.make_node("Identity", ["mm"], ["e"], name="else_identity")], "else", [],
                     [h.make_tensor_value_info("e", T.FLOAT, None)])
mm = h.make_node("MatMul", ["x", "w"], ["mm"], name="mm", doc_string="a node")
entries(mm.metadata_props, {"layer": "0"})
device = mm.device_configurations.add(); device.configuration_id = "two"; device.pipeline_stage = 1
spec = device.sharding_spec.add(); spec.tensor_name = "w"; spec.device.extend([0, 1])
nodes = [
    h.make_node("MatMul", ["x", "s"], ["ms"], name="ms"), mm,
    h.make_node("If", ["cond"], ["c"], name="if", then_branch=then, else_branch=other),
    h.make_node("Scaled", ["c"], ["f"], name="call", domain="local", factor=2.0),
    h.make_node("Add", ["f", "ms"], ["y"], name="sum"),
]
scale = h.make_node("Constant", [], ["k"])
ref = scale.attribute.add(); ref.name = "value_float"; ref.type = onnx.AttributeProto.FLOAT; ref.ref_attr_name = "factor"
function = h.make_function("local", "Scaled", ["a"], ["b"],
    [scale, h.make_node("CastLike", ["k", "a"], ["kc"]), h.make_node("Mul", ["a", "kc"], ["m"]),
     h.make_node("Clip", ["m"], ["b"])],
    [h.make_opsetid("", 21)], ["factor"], [h.make_attribute("unused", [1, 2])])
function.doc_string = "a function"
function.value_info.extend([h.make_tensor_value_info("m", T.FLOAT, None)])
entries(function.metadata_props, {"f": "g"})
value_info = [
    h.make_tensor_value_info("mm", T.FLOAT, ["batch", 4]),
    h.make_value_info("unused.sequence", h.make_sequence_type_proto(h.make_tensor_type_proto(T.INT64, [2]))),
    h.make_value_info("unused.optional", h.make_optional_type_proto(h.make_tensor_type_proto(T.FLOAT, None))),
    h.make_value_info("unused.map", h.make_map_type_proto(T.STRING, h.make_tensor_type_proto(T.FLOAT, []))),
    h.make_value_info("unused.sparse", h.make_sparse_tensor_type_proto(T.FLOAT, [3, "n"])),
]
opaque = onnx.ValueInfoProto(name="unused.opaque"); opaque.type.opaque_type.domain = "d"; opaque.type.opaque_type.name = "n"
value_info.append(opaque)
value_info.append(onnx.ValueInfoProto(name="unused.untyped"))
graph = h.make_graph(nodes, "everything", [x, cond], [y], [w], doc_string="a graph", value_info=value_info, sparse_initializer=[sparse])
entries(graph.metadata_props, {"g": "h"})
note = graph.quantization_annotation.add(); note.tensor_name = "mm"
entries(note.quant_parameter_tensor_names, {"SCALE_TENSOR": "w"})
model = h.make_model(graph, functions=[function], producer_name="maker", producer_version="1.2", ir_version=11,
    opset_imports=[h.make_opsetid("", 21), h.make_opsetid("local", 1)], doc_string="a model", domain="org.test", model_version=7)
entries(model.metadata_props, {"author": "nobody", "empty": ""})
training = model.training_info.add(); training.algorithm.name = "step"
training.algorithm.node.extend([h.make_node("Identity", ["w"], ["w2"])])
entries(training.update_binding, {"w": "w2"})
config = model.configuration.add(); config.name = "two"; config.num_devices = 2; config.device.extend(["a", "b"])
data = bytearray(model.SerializeToString())
# Fields no onnx.proto has: 900 as a text, 901 as a number, 902 as a group with a number in it.
def tag(n, w):
    v = n << 3 | w; b = bytearray()
    while v > 127: b.append(v & 127 | 128); v >>= 7
    b.append(v); return bytes(b)
unknown = tag(900, 2) + b"\x03new" + tag(901, 0) + b"\x96\x01" + tag(902, 3) + tag(1, 0) + b"\x05" + tag(902, 4) + tag(903, 5) + b"abcd"
for message in (model, model.graph, model.graph.node[1], model.graph.node[2].attribute[0], model.graph.initializer[0],
                model.graph.input[0], model.graph.input[0].type, model.graph.input[0].type.tensor_type,
                model.graph.input[0].type.tensor_type.shape, model.graph.input[0].type.tensor_type.shape.dim[0],
                model.graph.sparse_initializer[0], model.graph.quantization_annotation[0], model.functions[0],
                model.metadata_props[1]):
    message.MergeFromString(unknown)
save(model, "everything.onnx")

# --- external data
a = np.arange(600, dtype=np.float32); b = np.arange(300, dtype=np.int64)
blob = a.tobytes() + bytes(4096 - a.nbytes) + b.tobytes()
def external(name, array, offset, **more):
    t = numpy_helper.from_array(array, name); t.ClearField("raw_data"); t.data_location = T.EXTERNAL
    entries(t.external_data, {"location": "weights.bin", "offset": str(offset), "length": str(array.nbytes), **more})
    return t
ext = [external("a", a, 0, checksum=hashlib.sha1(blob).hexdigest()), external("b", b, 4096)]
graph = h.make_graph([h.make_node("Add", ["x", "a"], ["y"])], "external", [h.make_tensor_value_info("x", T.FLOAT, [600])],
    [h.make_tensor_value_info("y", T.FLOAT, [600])], ext)
save(h.make_model(graph, ir_version=10, opset_imports=[h.make_opsetid("", 21)]), "external", "model.onnx")
open(os.path.join(out, "external", "weights.bin"), "wb").write(blob)

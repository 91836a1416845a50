"""Golden values for engine/calibrate/activation-ranges.ts: the histograms and ranges of onnxruntime's calibrator.

Run: python test/golden/scripts/activation-ranges.py   (needs numpy and onnxruntime; made with onnxruntime 1.32.0)
Writes test/golden/activation-ranges.json. Data come from a formula that the test repeats: products of exact numbers only.
"""

import contextlib
import io
import json
import pathlib

import numpy as np
import onnxruntime
from onnxruntime.quantization.calibrate import HistogramCollector


def data(kind, count):
    i = np.arange(count, dtype=np.int64)
    v = 2 * (((i * (i + 3) * 7919) % 10007) / 10007) - 1
    if kind == "peaked":
        x = v * v * v * 3
    elif kind == "shifted":
        x = v * np.abs(v) + 0.25
    elif kind == "positive":
        x = v * v * v * v
    else:
        x = v * v * v
        x[::25] *= 3
    return x.astype(np.float32)


def ranges(x, method, bins, percentile=99.9, levels=128):
    collector = HistogramCollector(method, False, bins, levels, percentile, None)
    with contextlib.redirect_stdout(io.StringIO()):
        collector.collect({"x": x})
        low, high = collector.compute_collection_result()["x"][:2]
    counts = collector.get_histogram_dict()["x"][0]
    return [float(low), float(high)], [int(count) for count in counts]


cases = []
for kind, count in [("peaked", 6000), ("shifted", 4001), ("positive", 5000), ("tailed", 5000)]:
    x = data(kind, count)
    entry = {"kind": kind, "count": count, "percentile": [], "entropy": []}
    for percentile in (99.99, 99.9, 99, 90):
        (range_, counts) = ranges(x, "percentile", 2048, percentile)
        entry["percentile"].append({"percentile": percentile, "range": range_})
    for bins, levels in ((512, 128), (512, 64), (1024, 256)):
        (range_, counts) = ranges(x, "entropy", bins, levels=levels)
        entry["entropy"].append({"bins": bins, "levels": levels, "range": range_})
        if bins == 512:
            entry["counts"] = counts
    cases.append(entry)

path = pathlib.Path(__file__).parent.parent / "activation-ranges.json"
path.write_text(json.dumps({"onnxruntime": onnxruntime.__version__, "cases": cases}) + "\n")
print(path, path.stat().st_size)

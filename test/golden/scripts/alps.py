"""Golden values for methods/shared/solvers/alps-layer.ts: the algorithm of alps.py of github.com/mazumder-lab/ALPS in float64.

Run: python -P test/golden/scripts/alps.py   (needs numpy; made with numpy on the CPU)
Writes test/golden/alps.json: pruned weights [in, out] as base64 of float64, for layers of 2 sizes at 3 sparsities. Weights and
inputs [positions, in] come from formulas that the test repeats: products of exact numbers only.
"""

import base64
import json
import pathlib

import numpy as np

POSITIONS = 256


def uniform(count, seed):
    i = np.arange(count, dtype=np.int64)
    return 2 * (((i * (i + 3 + seed) * 7919 + seed * 104729) % 10007) / 10007) - 1


def largest(values, sparsity):
    squares = values**2
    keep = np.ones(values.shape, dtype=bool)
    if isinstance(sparsity, str):
        n, m = (int(part) for part in sparsity.split(":"))
        for out in range(values.shape[1]):
            for first in range(0, values.shape[0], m):
                lowest = np.argsort(squares[first : first + m, out], kind="stable")[: m - n]
                keep[first + lowest, out] = False
    else:
        keep.reshape(-1)[np.argsort(squares.reshape(-1), kind="stable")[: round(sparsity * values.size)]] = False
    return np.where(keep, values, 0)


def alps(weight, moment, sparsity):
    size = len(moment)
    h = moment + 0.01 * np.trace(moment) / size * np.eye(size)
    scale = np.sqrt(np.diag(h)) + 1e-8
    a = h / scale[:, None] / scale[None, :]
    values, vectors = np.linalg.eigh(a)
    start = weight * scale[:, None]
    g = a @ start
    rho, grown = 0.1, False
    d, v = largest(start, sparsity), np.zeros_like(start)
    before = d == 0
    kept = (~before).sum()
    for step in range(300):
        b = vectors @ ((vectors.T @ (g - v + rho * d)) / (values + rho)[:, None])
        d = largest(v / rho + b, sparsity)
        v = v + rho * (b - d)
        if (step + 1) % 3:
            continue
        zero = d == 0
        change = (zero != before).sum()
        before = zero
        if change / kept > 0.1:
            grown, rho = True, rho * 1.3
        elif change / kept > 0.005:
            grown, rho = True, rho * 1.2
        elif change > 0.5:
            if grown:
                rho *= 1.1
            else:
                rho /= 5
                d, v = largest(start, sparsity), np.zeros_like(start)
        elif grown:
            break
        else:
            rho /= 5
        rho = min(rho, 1e6)
        if step >= 30 and change / kept < 0.0003:
            break
    b = largest(b, sparsity)
    support = b != 0
    r = (g - a @ b) * support
    p = r.copy()
    for _ in range(10):
        ap = a @ p
        square = (r * r).sum(0)
        alpha = square / np.where((p * ap).sum(0) == 0, 1e-8, (p * ap).sum(0))
        b = b + alpha * p
        r = (r - alpha * ap) * support
        p = r + (r * r).sum(0) / np.where(square == 0, 1e-8, square) * p
    return b / scale[:, None]


cases = []
for rows, columns in [(32, 24), (48, 16)]:
    weight = (uniform(rows * columns, 1) ** 3).astype(np.float32).astype(np.float64).reshape(rows, columns)
    sources = uniform(POSITIONS * rows, 2).reshape(POSITIONS, rows)
    mixing = uniform(rows * rows, 5).reshape(rows, rows) / (1 + np.arange(rows) % 6)
    inputs = sources @ mixing
    for sparsity in (0.5, 0.7, "2:4"):
        pruned = alps(weight, inputs.T @ inputs, sparsity)
        cases.append(
            {
                "inFeatures": rows,
                "outFeatures": columns,
                "sparsity": sparsity,
                "weight": base64.b64encode(pruned.tobytes()).decode(),
            }
        )
path = pathlib.Path(__file__).parent.parent / "alps.json"
path.write_text(json.dumps(cases, indent=1) + "\n")

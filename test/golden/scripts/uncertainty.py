"""Golden values of the tests in test/numerics/statistics of the t distribution, variance components, comparisons of entries and
Holm's correction, from numpy 2 and scipy 1.17 (Holm's correction from its definition).

Run: python test/golden/scripts/uncertainty.py > test/golden/uncertainty.json
"""
import json

import numpy as np
from scipy import optimize, stats

degrees = [1, 2, 2.37, 3, 4, 7.5, 29, 59, 199, 9999]
quantiles = [
    {"degreesOfFreedom": v, "probability": p, "value": float(stats.t.ppf(p, v))}
    for v in degrees for p in [1e-9, 1e-5, 0.001, 0.025, 0.3, 0.5, 0.975]
]
cdf = [
    {"degreesOfFreedom": v, "t": t, "value": float(stats.t.cdf(t, v))}
    for v in degrees for t in [-40.0, -8.0, -3.0, -1.0, -0.01, 0.0, 0.5, 4.0]
]


def half_width(parts, tail):
    return np.sqrt(sum(s * stats.t.isf(tail, v) ** 2 for s, v in parts))


def two_sided(parts, value):
    root = optimize.brentq(lambda z: half_width(parts, stats.norm.sf(z)) - abs(value), 1e-6, 37, xtol=1e-13, rtol=1e-13)
    return float(2 * stats.norm.sf(root))


figures = [
    {
        "value": value,
        "components": [{"variance": s, "degreesOfFreedom": v} for s, v in parts],
        "halfWidth": float(half_width(parts, 0.025)),
        "pValue": two_sided(parts, value),
    }
    for value, parts in [
        (1.3, [(1.0, 59)]), (2.9, [(1.0, 199), (0.5, 2.7)]), (-12.0, [(1.0, 199), (0.5, 2.7)]), (0.05, [(1.0, 999), (4.0, 4)]),
        (30.0, [(1.0, 59), (0.01, 1)]), (3.0, [(0.2, 9), (0.3, 4), (0.1, 2)]),
    ]
]
rng = np.random.default_rng(7)
first, second = rng.normal(size=40), rng.normal(0.4, size=40)
tokens = rng.integers(5, 60, size=40)
one, other = rng.normal(size=3), rng.normal(1, 2, size=5)
welch = stats.ttest_ind(one, other, equal_var=False)
p_values = [0.01, 0.8, 0.03, 0.02, 0.04, 0.001, 0.5, 0.03]


def holm(p):
    p = np.asarray(p)
    order = np.argsort(p, kind="stable")
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(1, np.maximum.accumulate(p[order] * (len(p) - np.arange(len(p)))))
    return adjusted.tolist()


# Of a mean of losses weighted by tokens: the linearised (Taylor) variance of a ratio of sums, Cochran 1977, eq. 2.46.
ratio = (first - second).sum() / tokens.sum()
residuals = (first - second) - ratio * tokens
print(json.dumps({
    "quantiles": quantiles, "cdf": cdf, "figures": figures,
    "paired": {
        "first": first.tolist(), "second": second.tolist(), "tokens": tokens.tolist(),
        "pValue": float(stats.ttest_rel(first, second).pvalue),
        "interval": [float(v) for v in stats.ttest_rel(first, second).confidence_interval(0.95)],
        "ratio": float(ratio),
        "ratioVariance": float(residuals.var(ddof=1) * len(tokens) / tokens.sum() ** 2),
    },
    "welch": {
        "first": one.tolist(), "second": other.tolist(), "pValue": float(welch.pvalue), "degreesOfFreedom": float(welch.df),
    },
    "holm": {"pValues": p_values, "adjusted": holm(p_values)},
}, indent=1))

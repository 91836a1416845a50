"""Golden values of test/numerics/statistics/statistics.test.ts and significance.test.ts, from numpy 2 and scipy 1.17.

Run: python test/golden/scripts/statistics.py > test/golden/statistics.json
"""
import json

import numpy as np
from scipy import stats

rng = np.random.default_rng(20240115)
sample = rng.lognormal(size=37)
probabilities = [0.0, 0.025, 0.1, 0.5, 0.77, 0.95, 1.0]
tails = [1e-300, 1e-20, 1e-9, 0.001, 0.025, 0.075, 0.3, 0.5, 0.8, 0.975, 0.999999]
z = [-37.0, -12.0, -6.0, -5.0, -4.999, -1.96, -0.3, 0.0, 0.5, 1.645, 5.1]


p_values = [0.01, 0.8, 0.03, 0.02, 0.04, 0.001, 0.5, 0.03]
numerator = rng.gamma(2.0, 30.0, size=40)
denominator = rng.gamma(5.0, 10.0, size=40)
bca = stats.bootstrap(
    (numerator, denominator),
    lambda a, b, axis=-1: a.sum(axis=axis) / b.sum(axis=axis),
    paired=True, vectorized=True, n_resamples=400_000, batch=10_000, method="BCa", rng=np.random.default_rng(1),
).confidence_interval

print(json.dumps({
    "sample": sample.tolist(),
    "variance": float(np.var(sample, ddof=1)),
    "quantiles": [{"probability": p, "value": float(np.quantile(sample, p))} for p in probabilities],
    "normalQuantile": [{"probability": p, "value": float(stats.norm.ppf(p))} for p in tails],
    "normalCdf": [{"z": v, "value": float(stats.norm.cdf(v))} for v in z],
    "benjaminiHochberg": {"pValues": p_values, "adjusted": stats.false_discovery_control(p_values).tolist()},
    "ratioOfSums": {
        "numerator": numerator.tolist(), "denominator": denominator.tolist(),
        "low": float(bca.low), "high": float(bca.high),
    },
}, indent=1))

"""Writes ../agreement.json: F1 and Matthews' correlation by scikit-learn, Pearson's and Spearman's by scipy.

python test/golden/scripts/agreement.py (scikit-learn 1.9.1, scipy 1.17.1, numpy)
"""

import json
import pathlib

import numpy as np
from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import f1_score, matthews_corrcoef

random = np.random.default_rng(20261201)


def classes(count, labels):
    target = random.integers(0, labels, count)
    prediction = np.where(random.random(count) < 0.7, target, random.integers(0, labels, count))
    weights = random.integers(0, 4, count)
    case = {"target": target.tolist(), "prediction": prediction.tolist(), "weights": weights.tolist()}
    case["matthews"] = matthews_corrcoef(target, prediction)
    case["weightedMatthews"] = matthews_corrcoef(target, prediction, sample_weight=weights)
    if labels == 2:
        case["f1"] = f1_score(target, prediction)
        case["weightedF1"] = f1_score(target, prediction, sample_weight=weights)
    return case


def scores(count, steps):
    target = random.integers(0, steps, count) / (steps - 1)
    prediction = np.round(0.6 * target + 0.4 * random.random(count), 2)
    weights = random.integers(0, 4, count)
    repeated = np.repeat(np.arange(count), weights)
    return {
        "target": target.tolist(),
        "prediction": prediction.tolist(),
        "weights": weights.tolist(),
        "pearson": pearsonr(prediction, target).statistic,
        "spearman": spearmanr(prediction, target).statistic,
        "weightedPearson": pearsonr(prediction[repeated], target[repeated]).statistic,
        "weightedSpearman": spearmanr(prediction[repeated], target[repeated]).statistic,
    }


golden = {
    "classes": [classes(80, 2), classes(9, 2), classes(120, 4)],
    "scores": [scores(90, 26), scores(12, 4)],
}
path = pathlib.Path(__file__).parent.parent / "agreement.json"
path.write_text(json.dumps(golden) + "\n")

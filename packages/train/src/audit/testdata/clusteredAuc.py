"""Areas and their variances for clusteredAuc.test.ts: scikit-learn's area; DeLong's and Obuchowski's variances as the papers write them, with
every pair of samples compared.   python3 clusteredAuc.py > clusteredAuc.json"""
import json
import numpy as np
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

random = np.random.default_rng(4)


def obuchowski(positive, scores, clusters):
    x, y = scores[positive], scores[~positive]
    wins = (x[:, None] > y[None]) + 0.5 * (x[:, None] == y[None])
    area, (m, n) = wins.mean(), wins.shape
    v10, v01 = wins.mean(1), wins.mean(0)
    of_x, of_y = clusters[positive], clusters[~positive]
    names = np.unique(clusters)
    t10 = np.array([(v10[of_x == k] - area).sum() for k in names])
    t01 = np.array([(v01[of_y == k] - area).sum() for k in names])
    k10, k01, k = len(np.unique(of_x)), len(np.unique(of_y)), len(names)
    s10 = k10 / ((k10 - 1) * m) * (t10**2).sum()
    s01 = k01 / ((k01 - 1) * n) * (t01**2).sum()
    s11 = k / (k - 1) * (t10 * t01).sum()
    return s10 / m + s01 / n + 2 * s11 / (m * n)


def delong(positive, scores):
    x, y = scores[positive], scores[~positive]
    wins = (x[:, None] > y[None]) + 0.5 * (x[:, None] == y[None])
    return wins.mean(1).var(ddof=1) / len(x) + wins.mean(0).var(ddof=1) / len(y)


cases = []
for count, groups, shift, digits in [(40, 40, 1.0, 3), (60, 25, 0.5, 3), (50, 12, 0.0, 1), (30, 8, 2.0, 1)]:
    clusters = np.arange(count) if groups == count else random.integers(0, groups, count)
    positive = random.random(count) < 0.4
    scores = np.round(random.normal(size=count) + random.normal(size=count)[clusters % count] + shift * positive, digits)
    area = roc_auc_score(positive, scores)
    variance = delong(positive, scores) if groups == count else obuchowski(positive, scores, clusters)
    if groups == count:
        assert abs(variance - obuchowski(positive, scores, clusters)) < 1e-12
    spread = norm.ppf(0.975) * np.sqrt(variance) / (area * (1 - area))
    ends = 1 / (1 + np.exp(-(np.log(area / (1 - area)) + np.array([-spread, spread]))))
    cases.append({"positive": positive.astype(int).tolist(), "scores": scores.tolist(), "clusters": clusters.tolist(), "auc": area, "interval": ends.tolist()})
print(json.dumps(cases))

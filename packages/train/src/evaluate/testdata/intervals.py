"""Makes intervals.json: intervals of metrics.json's data sets by scikit-learn's figures, numpy's bootstrap, DeLong's formula and
statsmodels' Wilson intervals. Needs python3-sklearn and python3-statsmodels. Run: python3 intervals.py"""
import json
import pathlib
import numpy as np
import scipy
import sklearn
import statsmodels
from scipy.special import expit, logit
from scipy.stats import t
from sklearn import metrics as m
from statsmodels.stats.proportion import proportion_confint

DRAWS = 3000
here = pathlib.Path(__file__).parent


def wilson(k, n):
    return [float(end) for end in proportion_confint(int(k), int(n), method="wilson")]


def figures(y, p, said):
    return {
        "precision": m.precision_score(y, said),
        "f1": m.f1_score(y, said),
        "rocAuc": m.roc_auc_score(y, p),
        "averagePrecision": m.average_precision_score(y, p),
        "balancedAccuracy": m.balanced_accuracy_score(y, said),
        "recall": m.recall_score(y, said),
    }


def delong(y, p):
    """DeLong, DeLong and Clarke-Pearson (1988): the standard error of one AUC."""
    wins = (p[y][:, None] > p[~y][None]) + 0.5 * (p[y][:, None] == p[~y][None])
    return float(np.sqrt(wins.mean(1).var(ddof=1) / y.sum() + wins.mean(0).var(ddof=1) / (~y).sum()))


def bootstrap(y, p, said, groups, rng):
    units = [np.flatnonzero(groups == g) for g in np.unique(groups)]
    mixed = any(len(set(y[u])) > 1 for u in units)
    strata = [units] if mixed else [[u for u in units if y[u][0] == c] for c in (True, False)]
    rows = []
    for _ in range(DRAWS):
        drawn = np.concatenate([s[i] for s in strata for i in rng.integers(len(s), size=len(s))])
        rows.append(list(figures(y[drawn], p[drawn], said[drawn]).values()))
    return np.std(rows, axis=0, ddof=1)


def case(name, source, groups=None):
    labels = np.array(source["labels"])
    p = np.array(source["probabilities"]).reshape(len(labels), -1)
    y, said = labels == 0, p.argmax(1) == 0
    groups = np.arange(len(labels)) if groups is None else groups
    errors = bootstrap(y, p[:, 0], said, groups, np.random.default_rng(0))
    least = min(len(set(groups[y])), len(set(groups[~y])))
    values = figures(y, p[:, 0], said)
    intervals = {}
    for (figure, value), error in zip(values.items(), errors):
        freedom = 2 * (least - 1) if figure == "balancedAccuracy" else len(set(groups[y])) - 1 if figure == "recall" else least - 1
        units = len(set(groups[y])) if figure == "recall" else least
        reach = t.ppf(0.975, freedom) * error * np.sqrt(units / (units - 1)) / (value * (1 - value))
        intervals[figure] = [float(expit(logit(value) - reach)), float(expit(logit(value) + reach))]
    return {
        "name": name,
        "classes": source["classes"],
        "labels": source["labels"],
        "probabilities": source["probabilities"],
        "groups": groups.tolist(),
        "intervals": intervals,
        "delong": delong(y, p[:, 0]),
        "wilson": {
            "accuracy": wilson((y == said).sum(), len(y)),
            "recall": wilson((y & said).sum(), y.sum()),
            "specificity": wilson((~y & ~said).sum(), (~y).sum()),
        },
    }


def averages(source, kind):
    """Of several classes: the bootstrap stratified by class, of scikit-learn's averages."""
    labels = np.array(source["labels"])
    p = np.array(source["probabilities"]).reshape(len(labels), -1)
    classes = np.arange(p.shape[1])
    strata = [np.flatnonzero(labels == c) for c in classes]

    def values(i):
        said, truth, options = p[i].argmax(1), labels[i], {"average": kind, "labels": classes, "zero_division": 0}
        return [
            m.precision_score(truth, said, **options),
            m.recall_score(truth, said, **options),
            m.f1_score(truth, said, **options),
            m.roc_auc_score(truth, p[i], multi_class="ovr", average=kind),
            m.average_precision_score(np.eye(len(classes))[truth], p[i], average=kind),
        ]

    rng = np.random.default_rng(0)
    draws = [np.concatenate([s[rng.integers(len(s), size=len(s))] for s in strata]) for _ in range(DRAWS)]
    errors = np.std([values(i) for i in draws], axis=0, ddof=1)
    least = min(map(len, strata))
    names = ("precision", "recall", "f1", "rocAuc", "averagePrecision")
    intervals = {}
    for name, value, error in zip(names, values(np.arange(len(labels))), errors):
        reach = t.ppf(0.975, len(classes) * (least - 1)) * error * np.sqrt(least / (least - 1)) / (value * (1 - value))
        intervals[name] = [float(expit(logit(value) - reach)), float(expit(logit(value) + reach))]
    return intervals


two, ties, four = json.loads((here / "metrics.json").read_text())["cases"][:3]
by_class = np.empty(len(two["labels"]), int)
for c in (0, 1):
    of_class = np.flatnonzero(np.array(two["labels"]) == c)
    by_class[of_class] = 100 * c + np.arange(len(of_class)) // 3
out = {
    "sklearn": sklearn.__version__,
    "statsmodels": statsmodels.__version__,
    "scipy": scipy.__version__,
    "student": [[n, float(t.ppf(0.975, n))] for n in (1, 2, 3, 4, 5, 6, 9, 19, 99, 1000)],
    "cases": [
        case("independent samples", two),
        case("many ties", ties),
        case("patients of three films, of one class each", two, by_class),
        case("patients of two films, of both classes", two, np.arange(len(two["labels"])) // 2),
    ],
    "several": {**{key: four[key] for key in ("classes", "labels", "probabilities")}, **{kind: averages(four, kind) for kind in ("macro", "weighted")}},
}
(here / "intervals.json").write_text(json.dumps(out) + "\n")

"""Makes metrics.json: scikit-learn's and scipy's figures for a few small data sets. Run: python3 metrics.py"""
import json
import pathlib
import warnings
import numpy as np
import scipy
import sklearn
from scipy.stats import binomtest
from sklearn import metrics as m

warnings.simplefilter("error")


def or_null(defined, make):
    return float(make()) if defined else None


def wilson(k, n):
    if n == 0:
        return None
    ci = binomtest(int(k), int(n)).proportion_ci(method="wilson")
    return [float(ci.low), float(ci.high)]


def roc(positive, scores):
    fpr, tpr, thresholds = m.roc_curve(positive, scores)
    # The first threshold stands for "none is positive"; versions of scikit-learn differ in what they put there.
    return [
        {"threshold": None if i == 0 else float(t), "falsePositiveRate": float(f), "truePositiveRate": float(r)}
        for i, (f, r, t) in enumerate(zip(fpr, tpr, thresholds))
    ]


def pr(positive, scores):
    precision, recall, thresholds = m.precision_recall_curve(positive, scores)
    points = [
        {"threshold": float(t), "recall": float(r), "precision": float(p)}
        for p, r, t in zip(precision[:-1], recall[:-1], thresholds)
    ][::-1]
    # Older versions stop at the first threshold with full recall.
    full = next(i for i, point in enumerate(points) if point["recall"] == 1)
    return points[: full + 1]


def case(name, classes, labels, probabilities):
    labels = np.asarray(labels)
    p = np.asarray(probabilities, dtype=np.float64)
    guesses = p.argmax(axis=1)
    indices = list(range(len(classes)))
    confusion = m.confusion_matrix(labels, guesses, labels=indices)
    per_class = []
    for c in indices:
        positive = labels == c
        said = guesses == c
        tp, fp = int((positive & said).sum()), int((~positive & said).sum())
        fn, tn = int((positive & ~said).sum()), int((~positive & ~said).sum())
        both = bool(positive.any() and (~positive).any())
        per_class.append({
            "class": classes[c],
            "support": tp + fn,
            "predicted": tp + fp,
            "precision": or_null(tp + fp, lambda: m.precision_score(positive, said)),
            "recall": or_null(tp + fn, lambda: m.recall_score(positive, said)),
            "specificity": or_null(tn + fp, lambda: m.recall_score(~positive, ~said)),
            "f1": or_null(2 * tp + fp + fn, lambda: m.f1_score(positive, said)),
            "rocAuc": or_null(both, lambda: m.roc_auc_score(positive, p[:, c])),
            "averagePrecision": or_null(positive.any(), lambda: m.average_precision_score(positive, p[:, c])),
            "intervals": {
                "precision": wilson(tp, tp + fp),
                "recall": wilson(tp, tp + fn),
                "specificity": wilson(tn, tn + fp),
            },
            "rocCurve": roc(positive, p[:, c]) if both else None,
            "precisionRecallCurve": pr(positive, p[:, c]) if positive.any() else None,
        })
    whole = {
        "samples": len(labels),
        "accuracy": float(m.accuracy_score(labels, guesses)),
        "logLoss": float(m.log_loss(labels, p, labels=indices)),
        "accuracyInterval": wilson((labels == guesses).sum(), len(labels)),
        "confusionMatrix": confusion.tolist(),
    }
    if len(set(labels)) == len(classes):
        whole["balancedAccuracy"] = float(m.balanced_accuracy_score(labels, guesses))
        if set(guesses) == set(labels):
            for average in ("macro", "weighted"):
                whole[average] = {
                    "precision": float(m.precision_score(labels, guesses, average=average)),
                    "recall": float(m.recall_score(labels, guesses, average=average)),
                    "f1": float(m.f1_score(labels, guesses, average=average)),
                }
                if len(classes) > 2:
                    one_hot = np.eye(len(classes))[labels]
                    whole[average]["rocAuc"] = float(m.roc_auc_score(labels, p, multi_class="ovr", average=average))
                    whole[average]["averagePrecision"] = float(m.average_precision_score(one_hot, p, average=average))
    return {
        "name": name,
        "classes": classes,
        "labels": labels.tolist(),
        "probabilities": p.ravel().tolist(),
        "expected": {**whole, "perClass": per_class},
    }


def softmax(logits):
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def sample(rng, classes, count, decimals, absent=()):
    labels = rng.choice([c for c in range(classes) if c not in absent], count)
    logits = rng.normal(size=(count, classes)) + 1.2 * np.eye(classes)[labels]
    p = softmax(logits)
    # Few decimals make ties. The last class takes what rounding leaves.
    p = np.maximum(np.round(p, decimals), 0)
    p[:, -1] = np.abs(np.round(1 - p[:, :-1].sum(axis=1), decimals))
    return labels, p


rng = np.random.default_rng(0)
cases = [
    case("two classes", ["fractured", "not fractured"], *sample(rng, 2, 60, 6)),
    case("two classes with many ties", ["fractured", "not fractured"], *sample(rng, 2, 80, 1)),
    case("four classes", ["a", "b", "c", "d"], *sample(rng, 4, 90, 4)),
    case("three classes, one absent from the labels", ["a", "b", "c"], *sample(rng, 3, 40, 3, absent=(1,))),
    case("never predicted", ["a", "b"], [0, 1, 0, 1, 1], [[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.6, 0.4], [0.5, 0.5]]),
    case("perfect", ["a", "b"], [0, 1, 1], [[1, 0], [0, 1], [0.25, 0.75]]),
    case("always wrong", ["a", "b"], [0, 1, 1], [[0, 1], [1, 0], [0.75, 0.25]]),
]
out = {"sklearn": sklearn.__version__, "scipy": scipy.__version__, "cases": cases}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(out) + "\n")

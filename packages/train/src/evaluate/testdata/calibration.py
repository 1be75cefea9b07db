"""Makes calibration.json: temperatures by scipy's minimiser, calibration errors by scikit-learn's calibration curve, thresholds by its ROC
curve. Run: python3 calibration.py"""
import json
import pathlib
import numpy as np
import scipy
import sklearn
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from sklearn.calibration import calibration_curve
from sklearn.metrics import log_loss, roc_curve

BINS = 15


def calibration_error(hit, p):
    share, mean = calibration_curve(hit, p, n_bins=BINS)
    counts = np.bincount(np.clip(np.ceil(p * BINS).astype(int) - 1, 0, BINS - 1), minlength=BINS)
    return float((np.abs(share - mean) * counts[counts > 0]).sum() / len(p))


def figures(labels, p):
    hit, asked = (labels == 0, p[:, 0]) if p.shape[1] == 2 else (labels == p.argmax(1), p.max(1))
    return {"logLoss": float(log_loss(labels, p)), "calibrationError": calibration_error(hit, asked)}


def case(name, rng, count, classes, scale):
    labels = rng.integers(classes, size=count)
    logits = scale * (rng.normal(size=(count, classes)) + 1.3 * np.eye(classes)[labels])
    logits = logits.astype(np.float32).astype(np.float64)
    loss = lambda beta: -log_softmax(beta * logits, axis=1)[np.arange(count), labels].sum()
    beta = minimize_scalar(loss, bracket=(0.1, 1), tol=1e-12).x
    p = softmax(beta * logits, axis=1)
    out = {
        "name": name,
        "classes": ["fractured", "not fractured"] if classes == 2 else [str(c) for c in range(classes)],
        "labels": labels.tolist(),
        "logits": logits.ravel().tolist(),
        "temperature": 1 / beta,
        "before": figures(labels, softmax(logits, axis=1)),
        "after": figures(labels, p),
    }
    if classes == 2:
        fpr, tpr, at = roc_curve(labels == 0, p[:, 0], drop_intermediate=False)
        best = int((tpr - fpr).argmax())
        wished = int(np.flatnonzero(tpr >= 0.95)[0])
        out["youden"] = {"sensitivity": tpr[best], "falsePositiveRate": fpr[best], "atMost": at[best], "above": at[best + 1]}
        out["sensitivity"] = {"sensitivity": tpr[wished], "falsePositiveRate": fpr[wished], "atMost": at[wished], "above": at[wished + 1]}
    return out


rng = np.random.default_rng(4)
out = {
    "scipy": scipy.__version__,
    "sklearn": sklearn.__version__,
    "cases": [
        case("overconfident, two classes", rng, 120, 2, 4.0),
        case("underconfident, two classes", rng, 150, 2, 0.4),
        case("overconfident, five classes", rng, 100, 5, 3.0),
    ],
}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(out) + "\n")

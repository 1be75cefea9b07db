"""Which distance tells pictures that are unlike the training pictures: AUC against validation pictures, and how many lie farther than all of these.

Pooled features of an ImageNet ResNet-50 at 224 px, by torchvision. The figures are in docs/results.md.

Run: /usr/bin/python3 compareDistances.py ../shared/data   (Debian's python3-torchvision and python3-sklearn; the folder from the root of the checkout)
"""

import glob
import sys

import numpy as np
import torch
import torchvision
from PIL import Image, ImageFilter, ImageOps
from sklearn.metrics import roc_auc_score

DATA = sys.argv[1]
T = torchvision.transforms
NORMALISE = T.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
PREPROCESS = T.Compose([T.Resize(224), T.CenterCrop(224), T.ToTensor(), NORMALISE])

model = torchvision.models.resnet50()
model.load_state_dict(torch.load(f"{DATA}/weights/resnet50-imagenet.pth"))
model.fc = torch.nn.Identity()
model.eval()


def features(paths, change=lambda image: image):
    rows = []
    with torch.no_grad():
        for start in range(0, len(paths), 8):
            images = [change(Image.open(path).convert("L")).convert("RGB") for path in paths[start : start + 8]]
            rows.append(model(torch.stack([PREPROCESS(image) for image in images])).numpy())
    return np.concatenate(rows)


def noisy(image):
    values = np.asarray(image).astype(float)
    return Image.fromarray((values + np.random.RandomState(0).randn(*values.shape) * 40).clip(0, 255).astype(np.uint8))


def files(split):
    return sorted(glob.glob(f"{DATA}/xrays/{split}/*/*"))


train = features(files("train")[::5])
val = features(files("val")[::2])
test = files("test")[::4]
OTHERS = {
    "test": features(test),
    "photographs": features(sorted(glob.glob(f"{DATA}/photos/*.JPEG"))),
    "inverted": features(test, ImageOps.invert),
    "blurred": features(test, lambda image: image.filter(ImageFilter.GaussianBlur(4))),
    "noisy": features(test, noisy),
}

mean = train.mean(0)
_, values, directions = np.linalg.svd(train - mean, full_matrices=False)
variances = values**2 / len(train)


def euclidean(x):
    return ((x - mean) ** 2).sum(1)


def diagonal(x):
    return ((x - mean) ** 2 / (train.var(0) + 0.01 * train.var(0).mean())).sum(1)


def low_rank(x, rank=32):
    inner = (x - mean) @ directions[:rank].T
    rest = np.maximum(((x - mean) ** 2).sum(1) - (inner**2).sum(1), 0)
    return (inner**2 / variances[:rank]).sum(1) + rest / (variances[rank:].sum() / (train.shape[1] - rank))


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def nearest(references, neighbour):
    chosen = unit(train[np.floor((np.arange(references) + 0.5) * len(train) / references).astype(int)])
    eight_bits = unit(np.round(chosen / chosen.max(1, keepdims=True) * 255))
    return lambda x: np.sort(2 - 2 * unit(x) @ eight_bits.T, axis=1)[:, neighbour - 1]


DISTANCES = {
    "from the mean": euclidean,
    "Mahalanobis, diagonal": diagonal,
    "Mahalanobis, rank 32": low_rank,
    "nearest of 64": nearest(64, 1),
    "5th nearest of 64": nearest(64, 5),
    "5th nearest of 261": nearest(261, 5),
}
for name, distance in DISTANCES.items():
    near = distance(val)
    cells = []
    for kind, rows in OTHERS.items():
        far = distance(rows)
        auc = roc_auc_score(np.r_[np.zeros(len(near)), np.ones(len(far))], np.r_[near, far])
        cells.append(f"{kind} {auc:.3f} ({(far > near.max()).mean():.2f})")
    print(f"{name}: {', '.join(cells)}")

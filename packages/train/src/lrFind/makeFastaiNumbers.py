"""Writes testdata/fastai.json: curves, and what the rules of fastai 2.7's lr_find (fastai/callback/schedule.py) say of them.

The rules are written out here, from their description and source, for a machine without fastai. Needs numpy only."""
import json
import math
import os

import numpy as np


def valley(lrs, losses):
    lengths = [1] * len(losses)
    start = end = 0
    for i in range(1, len(losses)):
        for j in range(i):
            if losses[i] < losses[j] and lengths[i] < lengths[j] + 1:
                lengths[i] = lengths[j] + 1
            if lengths[end] < lengths[i]:
                end = i
                start = end - lengths[end]
    sections = (end - start) / 3
    return float(lrs[start + int(sections) + int(sections / 2)])


def steep(lrs, losses):
    grads = (losses[1:] - losses[:-1]) / (np.log(lrs[1:]) - np.log(lrs[:-1]))
    return float(lrs[grads.argmin()])


def minimum(lrs, losses):
    return float(lrs[losses.argmin()] / 10)


def sweep(loss_of, steps=100, first=1e-7, last=10.0):
    lrs, losses, smoothed, mean, weight, best = [], [], [], 0.0, 0.0, math.inf
    for i in range(steps):
        lr = first * (last / first) ** (i / (steps - 1))
        loss = loss_of(lr, i)
        mean, weight = 0.98 * mean + 0.02 * loss, 0.98 * weight + 0.02
        lrs.append(lr), losses.append(loss), smoothed.append(mean / weight)
        best = min(best, smoothed[-1])
        if smoothed[-1] > 4 * best:
            break
    x, y = np.array(lrs[steps // 10 : -5]), np.array(smoothed[steps // 10 : -5])
    return {
        "losses": losses,
        "smoothed": smoothed,
        "lrs": lrs,
        "valley": valley(x, y),
        "steep": steep(x, y),
        "minimum": minimum(x, y),
    }


CURVES = {
    "falls, then diverges": lambda lr, i: 0.7 - 0.4 / (1 + (1e-3 / lr)) + 30 * lr**2 + 0.02 * math.sin(i * 1.7),
    "falls late": lambda lr, i: 2.3 - 1.5 / (1 + (3e-2 / lr)) + 0.05 * math.sin(i * 0.9),
    "diverges early": lambda lr, i: 0.69 - 0.05 / (1 + (1e-5 / lr)) + 1e6 * lr**2,
}

if __name__ == "__main__":
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "testdata")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "fastai.json"), "w") as file:
        json.dump({name: sweep(curve) for name, curve in CURVES.items()}, file, indent=1)
        file.write("\n")

"""Loads a run's best.safetensors into torchvision's network, every name matched, and compares its predictions on the test split with
the run's results/predictions.csv.

    python3 loadInTorch.py RUN DATA/test        (torch 1.13, torchvision 0.14)
"""
import csv
import json
import os
import struct
import sys

import torch
import torchvision
from torchvision import transforms

run, folder = sys.argv[1:]
with open(os.path.join(run, "best.safetensors"), "rb") as file:
    (size,) = struct.unpack("<Q", file.read(8))
    header = json.loads(file.read(size))
    data = file.read()
metadata = header.pop("__metadata__")
preprocessing = json.loads(metadata["preprocessing"])
decision = json.loads(metadata.get("decision", "null")) or {"temperature": 1, "threshold": None}
temperature, threshold = decision["temperature"], decision["threshold"]
DTYPES = {"F32": torch.float32, "I64": torch.int64}
state = {}
for name, entry in header.items():
    start, end = entry["data_offsets"]
    state[name] = torch.frombuffer(bytearray(data[start:end]), dtype=DTYPES[entry["dtype"]]).reshape(entry["shape"])
model = getattr(torchvision.models, metadata["architecture"])(num_classes=len(json.loads(metadata["classes"])))
print(model.load_state_dict(state))
model.eval()
transform = transforms.Compose(
    [
        transforms.Resize(preprocessing["resize"]),
        transforms.CenterCrop(preprocessing["crop"]),
        *([transforms.Grayscale(3)] if preprocessing["channels"] == "grey" else []),
        transforms.ToTensor(),
        transforms.Normalize(preprocessing["mean"], preprocessing["std"]),
    ]
)
images = torchvision.datasets.ImageFolder(folder, transform)
assert images.classes == json.loads(metadata["classes"])
with open(os.path.join(run, "results", "predictions.csv"), newline="") as file:
    rows = {os.path.basename(row["path"]): row for row in csv.DictReader(file)}
same, worst = 0, 0.0
with torch.no_grad():
    for start in range(0, len(images), 16):
        chosen = range(start, min(start + 16, len(images)))
        probabilities = torch.softmax(model(torch.stack([images[i][0] for i in chosen])) / temperature, 1)
        for i, p in zip(chosen, probabilities):
            row = rows[os.path.basename(images.samples[i][0])]
            said = images.classes[int(p.argmax())]
            if threshold:
                positive = images.classes.index(threshold["positiveClass"])
                said = images.classes[positive if p[positive] >= threshold["value"] else 1 - positive]
            same += said == row["predicted"]
            worst = max(worst, *(abs(float(q) - float(row["prob_" + name])) for q, name in zip(p, images.classes)))
print(f"{same} of {len(images)} predictions are the same; probabilities differ by {worst:.1e} at the most")

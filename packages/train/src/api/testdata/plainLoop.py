"""The plain PyTorch loop that a run without shuffling, augmentation and freezing must follow; writes plainLoop.json.

    python3 plainLoop.py        (torch 1.13, torchvision 0.14)

Weights and pictures are formulas, repeated in testing/pictures.ts and testing/weights.ts, so that nothing has to be stored.
"""
import json
import math
from pathlib import Path

import numpy as np
import torch
import torchvision

# At Adam's usual 1e-3 this toy is chaotic: torch in f32 and in f64 differ by 0.006 after one step, 0.15 after two. At this rate they stay
# within 1e-3 over all twelve steps, while the losses themselves move by 0.03 to 0.8 from those of untrained weights.
SIZE, PER_CLASS, BATCH, EPOCHS, LR = 48, 7, 4, 3, 2e-5


def hashed(count, stream):
    """Uniform numbers in [-1, 1): Wellons' lowbias32 of (stream, index)."""
    x = (np.arange(count, dtype=np.uint64) + np.uint64(stream) * np.uint64(0x9E3779B9)).astype(np.uint32)
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x7FEB352D)
    x ^= x >> np.uint32(15)
    x *= np.uint32(0x846CA68B)
    x ^= x >> np.uint32(16)
    return x.astype(np.float64) / 2**31 - 1


def picture(label, index):
    y, x = np.mgrid[0:SIZE, 0:SIZE]
    waves = 40 * np.sin(x * 0.7 + index) + 40 * np.cos(y * 0.45 + 2 * index)
    middle = (np.abs(2 * x - SIZE) < SIZE / 2) & (np.abs(2 * y - SIZE) < SIZE / 2)
    return np.floor(128 + waves + np.where(middle, 40 if label == 0 else -40, 0) + 0.5).astype(np.uint8)


model = torchvision.models.resnet18(num_classes=2)
state = model.state_dict()
for stream, (name, value) in enumerate(state.items()):
    if value.dim() == 4:
        deviation = math.sqrt(2 / (value.shape[0] * value.shape[2] * value.shape[3]))
    elif name.startswith("fc."):
        deviation = 1 / math.sqrt(512)
    else:
        continue
    numbers = hashed(value.numel(), stream) * deviation * math.sqrt(3)
    value.copy_(torch.from_numpy(numbers.astype(np.float32)).reshape(value.shape))
model.load_state_dict(state)

mean = torch.tensor([0.485, 0.456, 0.406]).reshape(3, 1, 1)
std = torch.tensor([0.229, 0.224, 0.225]).reshape(3, 1, 1)
labels = torch.tensor([0] * PER_CLASS + [1] * PER_CLASS)
pictures = [torch.from_numpy(picture(int(label), i)).float().div(255) for i, label in enumerate(labels)]
pictures = torch.stack([(p.expand(3, SIZE, SIZE) - mean) / std for p in pictures])

model.train()
optimizer = torch.optim.Adam(model.parameters(), lr=LR)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.1)
criterion = torch.nn.CrossEntropyLoss()
losses, rates = [], []
for _ in range(EPOCHS):
    for x, y in zip(pictures.split(BATCH), labels.split(BATCH)):
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        rates.append(optimizer.param_groups[0]["lr"])
    scheduler.step()

last = model.state_dict()
result = {
    "torch": torch.__version__,
    "losses": losses,
    "rates": rates,
    "runningMean": last["layer4.1.bn2.running_mean"][:8].tolist(),
    "headBias": last["fc.bias"].tolist(),
}
Path(__file__).with_suffix(".json").write_text(json.dumps(result, indent=2) + "\n")
print(losses)

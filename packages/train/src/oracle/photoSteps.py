"""Writes photoSteps.json: five Adam steps of torchvision's ResNet-50 from trained weights on four photographs at 64 x 64, in
training mode, with all gradients of the first step.

    python3 photoSteps.py WEIGHTS.pth PHOTOS        (torch 1.13, torchvision 0.14)

A relu or max pool whose input lies within float32's rounding of the edge makes any float32 program jump to another gradient:
torch's own float32 and float64 differ by up to 7e-4 then, and at a rate of 1e-4 their losses by up to 1e-2 after five steps.
So all fours of photographs are written, with torch's own spread beside them.
"""
import json
import os
import sys

import torch
import torchvision
from PIL import Image
from torchvision.transforms import functional as F

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "..", "..", "..", "resnet", "src", "testdata"))
from oracle import prints, train_steps, worst

weights, photos = sys.argv[1:]
with open(os.path.join(photos, "expected.json")) as file:
    classes = {name: photo["class"] for name, photo in json.load(file)["photos"].items()}
names = sorted(classes)
LR, STEPS, SIZE = 1e-5, 5, 64


def picture(name):
    image = F.center_crop(F.resize(Image.open(os.path.join(photos, name)).convert("RGB"), SIZE), SIZE)
    return F.normalize(F.to_tensor(image), [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])


def run(batch, dtype):
    model = torchvision.models.resnet50()
    model.load_state_dict(torch.load(weights))
    x = torch.stack([picture(name) for name in batch])
    return train_steps(model.to(dtype), x.to(dtype), torch.tensor([classes[name] for name in batch]), LR, STEPS, True)


batches = []
for start in range(0, len(names) - 3, 4):
    batch = names[start : start + 4]
    losses, gradients, running = run(batch, torch.float32)
    exact = run(batch, torch.float64)
    spread = [worst(gradients, exact[1]), max(abs(a - b) for a, b in zip(losses, exact[0])), worst(running, exact[2])]
    print(batch, "float32 against float64: gradients %.1e, losses %.1e, running statistics %.1e" % tuple(spread))
    batches.append(
        {
            "photos": batch,
            "labels": [classes[name] for name in batch],
            "float32Spread": spread,
            "losses": losses,
            "gradients": {name: prints(value) for name, value in gradients.items()},
            "running": {name: prints(value) for name, value in running.items()},
        }
    )
result = {"torch": torch.__version__, "lr": LR, "size": SIZE, "batches": batches}
with open(os.path.join(here, "photoSteps.json"), "w") as file:
    json.dump(result, file)

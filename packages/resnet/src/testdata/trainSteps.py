"""Writes trainSteps.json: logits and gradients of ResNet-18 and ResNet-50 with pseudo-random weights, and five Adam steps of the
first.

    python3 trainSteps.py        (torch 1.13, torchvision 0.14)

All in float64. A relu or max pool whose input lies within float32's rounding of the edge makes any float32 program jump to
another gradient (torch's own by up to 1e-2), so the pictures are the first ones for which torch's float32 and float64 agree.
"""
import json
import os

import torch
import torchvision

from oracle import hash_state, pictures, prints, train_steps, worst

LR, STEPS, SIZE, BATCH = 1e-4, 5, 64, 4
y = torch.tensor([3, 500, 999, 17])
result = {"torch": torch.__version__, "torchvision": torchvision.__version__, "lr": LR, "size": SIZE, "labels": y.tolist(), "models": {}}
def model_of(architecture, dtype):
    model = getattr(torchvision.models, architecture)()
    model.load_state_dict(hash_state(model))
    return model.to(dtype)


def run(architecture, dtype, x, training):
    model = model_of(architecture, dtype)
    with torch.no_grad():
        logits = model.eval()(x.to(dtype))
    return (logits, *train_steps(model, x.to(dtype), y, LR, STEPS if training else 1, training))


# ResNet-50 with batch statistics of so few values is chaotic: from random weights torch's float32 and float64 differ by 1e-2
# for every picture tried. It is compared with running statistics here, and with trained weights in packages/train/src/oracle.
for architecture, training in [("resnet18", True), ("resnet50", False)]:
    for seed in range(100, 120, 2):
        x = pictures(BATCH, SIZE, seed)
        logits, losses, gradients, running = run(architecture, torch.float64, x, training)
        single = run(architecture, torch.float32, x, training)
        spread = [worst(single[2], gradients), max(abs(a - b) for a, b in zip(single[1], losses)), worst(single[3], running) if training else 0.0]
        print(architecture, seed, "float32 against float64: gradients %.1e, losses %.1e, running statistics %.1e" % tuple(spread))
        if spread[0] < 1e-4 and spread[1] < 2e-4 and spread[2] < 5e-5:
            break
    else:
        raise SystemExit("no seed is stable")
    result["models"][architecture] = {
        "training": training,
        "seed": seed,
        "float32Spread": spread,
        "logits": prints(logits),
        "losses": losses,
        "gradients": {name: prints(value) for name, value in gradients.items()},
        "running": {name: prints(value) for name, value in running.items()},
    }
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "trainSteps.json"), "w") as file:
    json.dump(result, file)

"""Grad-CAM in torch, for gradCam.test.ts; writes gradCam.json.

    python3 gradCam.py        (torch 1.13, torchvision 0.14)

A ResNet-18 with three classes in inference mode, in float64; weights and pictures are formulas, repeated in testing/weights.ts and in the
test. A relu whose input lies within float32's rounding of 0 makes any float32 program jump, so what torch's float32 makes of it is
compared here too.
"""
import json
import math
from pathlib import Path

import numpy as np
import torch
import torchvision

SIZE, CLASSES, TARGETS = 48, 3, [0, 2, 1]


def hashed(count, stream):
    """Uniform numbers in [-1, 1): Wellons' lowbias32 of (stream, index)."""
    x = (np.arange(count, dtype=np.uint64) + np.uint64(stream) * np.uint64(0x9E3779B9)).astype(np.uint32)
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x7FEB352D)
    x ^= x >> np.uint32(15)
    x *= np.uint32(0x846CA68B)
    x ^= x >> np.uint32(16)
    return x.astype(np.float64) / 2**31 - 1


model = torchvision.models.resnet18(num_classes=CLASSES)
state = model.state_dict()
for stream, (name, value) in enumerate(state.items()):
    if value.dim() == 4:
        deviation = math.sqrt(2 / (value.shape[0] * value.shape[2] * value.shape[3]))
    elif name.startswith("fc."):
        deviation = 1 / math.sqrt(512)
    else:
        continue
    value.copy_(torch.from_numpy((hashed(value.numel(), stream) * deviation * math.sqrt(3)).astype(np.float32)).reshape(value.shape))
model.load_state_dict(state)
model.eval()

# Blocks of 8 x 8 pixels: [n, h, w, c]
blocks = hashed(len(TARGETS) * (SIZE // 8) ** 2 * 3, 1000).astype(np.float32).reshape(len(TARGETS), SIZE // 8, SIZE // 8, 3)
pictures = torch.from_numpy(blocks.repeat(8, axis=1).repeat(8, axis=2)).permute(0, 3, 1, 2).contiguous()


def grad_cam(layer, dtype):
    network = model.to(dtype)
    kept = {}
    handle = getattr(network, layer).register_forward_hook(lambda _, __, output: kept.update(a=output))
    logits = network(pictures.to(dtype))
    handle.remove()
    chosen = logits[torch.arange(len(TARGETS)), TARGETS].sum()
    (gradient,) = torch.autograd.grad(chosen, kept["a"])
    weights = gradient.mean(dim=(2, 3), keepdim=True)
    maps = torch.relu((weights * kept["a"]).sum(dim=1))
    return logits.detach().double(), maps.detach().double()


# Where a map of two cells lies in the middle of a picture: what `spread` has to give.
coarse = torch.tensor([[0.5, 2.0, 1.0], [0.0, 1.0, 4.0]], dtype=torch.float64)
fine = torch.nn.functional.interpolate(coarse[None, None], size=(6, 10), mode="bilinear", align_corners=False)[0, 0] / coarse.max()

result = {
    "torch": torch.__version__,
    "size": SIZE,
    "targets": TARGETS,
    "maps": {},
    "spread": {"map": coarse.tolist(), "result": fine.tolist()},
}
for layer in ["layer2", "layer3", "layer4"]:
    single, (logits, maps) = grad_cam(layer, torch.float32), grad_cam(layer, torch.float64)
    result["logits"] = logits.tolist()
    result["maps"][layer] = maps.tolist()
    print(layer, tuple(maps.shape), "largest", maps.max().item(), "float32 differs by", ((single[1] - maps).abs().max() / maps.max()).item())
Path(__file__).with_suffix(".json").write_text(json.dumps(result) + "\n")

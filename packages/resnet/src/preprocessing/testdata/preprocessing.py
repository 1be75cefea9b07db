"""Writes preprocessing.json: what Pillow and torchvision make of pictures of noise that the test makes too.

Run: /usr/bin/python3 preprocessing.py, then oxfmt   (Debian's python3-pil and python3-torchvision)
"""

import hashlib
import json
import pathlib

import numpy as np
import PIL
import torch
import torchvision
from PIL import Image
from torchvision import transforms

HERE = pathlib.Path(__file__).parent


def noise(width, height, channels):
    """Bytes of the generator x -> 1664525 x + 1013904223 (mod 2^32), from 1; its high bytes."""
    count = width * height * channels
    out = np.empty(count, np.uint8)
    state = 1
    for i in range(count):
        state = (state * 1664525 + 1013904223) % 2**32
        out[i] = state >> 24
    return Image.fromarray(out.reshape((height, width) if channels == 1 else (height, width, channels)))


def digest(data):
    return {"sha256": hashlib.sha256(data).hexdigest(), "head": list(data[:8])}


def resized(width, height, channels, out_width, out_height):
    image = noise(width, height, channels).resize((out_width, out_height), Image.BILINEAR)
    return {"from": [width, height, channels], "to": [out_width, out_height], **digest(image.tobytes())}


def cropped(width, height, channels, mode, resize, crop):
    image = noise(width, height, channels).convert({"grey": "L", "rgb": "RGB"}[mode])
    eight = transforms.Compose([transforms.Resize(resize), transforms.CenterCrop(crop)])(image)
    to_tensor = transforms.Compose(
        [transforms.ToTensor(), transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])]
    )
    f32 = to_tensor(eight.convert("RGB")).permute(1, 2, 0).contiguous().numpy().tobytes()
    return {
        "from": [width, height, channels],
        "preprocessing": {"channels": mode, "resize": resize, "crop": crop},
        "eightBit": digest(eight.tobytes()),
        "f32": hashlib.sha256(f32).hexdigest(),
    }


numbers = {
    "versions": {"Pillow": PIL.__version__, "torch": torch.__version__, "torchvision": torchvision.__version__},
    "resized": [
        resized(*case)
        for case in [
            (17, 13, 1, 5, 7),
            (17, 13, 3, 5, 7),
            (5, 7, 1, 17, 13),
            (5, 7, 3, 31, 64),
            (1, 1, 3, 4, 3),
            (40, 30, 1, 1, 1),
            (100, 3, 1, 33, 3),
            (3, 100, 3, 3, 34),
            (64, 48, 3, 64, 48),
            (224, 224, 1, 256, 256),
            (255, 127, 3, 128, 256),
            (500, 375, 3, 341, 256),
            (640, 480, 1, 37, 29),
        ]
    ],
    "cropped": [
        cropped(*case)
        for case in [
            (50, 37, 3, "rgb", 32, 28),
            (37, 50, 3, "grey", 32, 28),
            (37, 50, 1, "rgb", 33, 28),
            (41, 41, 1, "grey", 32, 31),
            (32, 32, 1, "grey", 32, 32),
            (500, 333, 3, "rgb", 256, 224),
            (333, 500, 3, "rgb", 232, 224),
            (9, 300, 3, "rgb", 16, 13),
            (300, 9, 1, "grey", 16, 16),
        ]
    ],
}
(HERE / "preprocessing.json").write_text(json.dumps(numbers, indent=1) + "\n")

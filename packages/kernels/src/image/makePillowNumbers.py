"""Pillow's and torch's numbers for image.test.ts: /usr/bin/python3 makePillowNumbers.py > pillow.json

Pillow resizes in mode "F", in floating point, so that nothing is rounded to 8 bits between the passes."""

import json
import math
import numpy
import PIL
import torch
import torch.nn.functional as F
from PIL import Image

rng = numpy.random.default_rng(5)


def picture(height, width, channels):
    """Smooth shapes with noise on them: neither alone would show a wrong filter."""
    y, x = numpy.mgrid[0:height, 0:width]
    planes = [
        127 + 90 * numpy.sin(x / (2.5 + c) + c) * numpy.cos(y / 3.1 - c) + rng.normal(0, 30, (height, width))
        for c in range(channels)
    ]
    return numpy.clip(numpy.stack(planes, -1), 0, 255).astype(numpy.uint8)


def levels(array):
    return [round(float(v), 4) for v in numpy.asarray(array).ravel()]


def resized(pixels, size, box):
    left, top, width, height = box
    planes = [
        Image.fromarray(pixels[..., c].astype(numpy.float32), "F").resize(
            (size, size), Image.BILINEAR, box=(left, top, left + width, top + height)
        )
        for c in range(pixels.shape[-1])
    ]
    return levels(numpy.stack([numpy.asarray(plane) for plane in planes], -1))


cases = []
for name, (height, width, channels), size, box in [
    ("enlarged", (9, 7, 1), 12, (0, 0, 7, 9)),
    ("a fractional box, enlarged", (12, 15, 1), 11, (2.3, 1.6, 7.9, 6.2)),
    ("reduced", (23, 31, 1), 8, (0, 0, 31, 23)),
    ("a fractional box, reduced, rgb", (29, 18, 3), 6, (1.25, 3.5, 15.5, 22.75)),
    ("wide and low: reduced one way, enlarged the other", (8, 37, 1), 13, (0.5, 1, 36, 5)),
]:
    pixels = picture(height, width, channels)
    cases.append(
        dict(
            name=name,
            height=height,
            width=width,
            channels=channels,
            size=size,
            box=box,
            pixels=pixels.ravel().tolist(),
            levels=resized(pixels, size, box),
        )
    )

# torch's antialiased interpolation of a whole picture
pixels = picture(26, 21, 3)
tensor = torch.from_numpy(pixels).permute(2, 0, 1)[None].double()
out = F.interpolate(tensor, size=(9, 9), mode="bilinear", antialias=True, align_corners=False)
torch_case = dict(pixels=pixels.ravel().tolist(), levels=levels(out[0].permute(1, 2, 0)))

# A rotation of the picture about its middle by 12 degrees counterclockwise, bilinear: torchvision's rotate, where it is inside.
pixels = picture(16, 16, 1)
angle = math.radians(12)
theta = torch.tensor([[math.cos(angle), -math.sin(angle), 0], [math.sin(angle), math.cos(angle), 0]]).double()
grid = F.affine_grid(theta[None], [1, 1, 16, 16], align_corners=False)
turned = F.grid_sample(
    torch.from_numpy(pixels).permute(2, 0, 1)[None].double(), grid, mode="bilinear", padding_mode="border", align_corners=False
)
inside = (grid.abs() <= 1).all(-1)
rotation_case = dict(pixels=pixels.ravel().tolist(), levels=levels(turned * inside))

# ToTensor and Normalize of every level
level = torch.arange(256, dtype=torch.uint8).float().div(255)
mean, std = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
normalized = [((level - m) / s).tolist() for m, s in zip(mean, std)]

print(
    json.dumps(
        dict(
            pillow=PIL.__version__,
            torch=torch.__version__,
            cases=cases,
            interpolate=torch_case,
            rotate=rotation_case,
            mean=mean,
            std=std,
            normalized=normalized,
        )
    )
)

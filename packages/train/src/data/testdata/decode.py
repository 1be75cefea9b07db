"""Writes decode.json: one small picture in many kinds of files, written by Pillow, with what Pillow reads from them; and
Pillow's hashes for the files of a folder with real material, where there is one.

Run: /usr/bin/python3 decode.py ../shared/data, then oxfmt   (Debian's python3-pil; the folder from the root of the checkout)
"""

import base64
import hashlib
import io
import json
import pathlib
import sys
import warnings

import numpy as np
import PIL
from PIL import Image, ImageCms, ImageOps

warnings.simplefilter("ignore")
HERE = pathlib.Path(__file__).parent

# Smooth, with an edge and some noise, and no symmetry. 27 x 19: no multiple of a JPEG block.
y, x = np.mgrid[0:19, 0:27]
noise = np.random.RandomState(0).randint(0, 24, (19, 27, 3))
RGB = Image.fromarray((np.stack([x * 8, y * 12, (x > 11) * 90 + x * y // 4], 2) + noise).clip(0, 255).astype(np.uint8))
GREY = RGB.convert("L")
# Swaps red and blue for whoever believes it.
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes().replace(b"rXYZ", b"tXYZ").replace(b"bXYZ", b"rXYZ").replace(b"tXYZ", b"bXYZ")
ALPHA = Image.fromarray(((x + y) * 5).astype(np.uint8))


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def read(source):
    image = Image.open(source)
    image.load()
    image = ImageOps.exif_transpose(image)
    return {
        "size": list(image.size),
        "grey": sha256(image.convert("L").tobytes()),
        "rgb": sha256(image.convert("RGB").tobytes()),
    }


def written(image, form, **options):
    file = io.BytesIO()
    image.save(file, form, **options)
    return {"file": base64.b64encode(file.getvalue()).decode(), **read(io.BytesIO(file.getvalue()))}


def with_orientation(form, orientation, **options):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return written(RGB, form, exif=exif, **options)


def with_alpha(image):
    image = image.copy()
    image.putalpha(ALPHA)
    return image


palette = RGB.convert("P", palette=Image.ADAPTIVE, colors=200)
few = RGB.convert("P", palette=Image.ADAPTIVE, colors=4)
kinds = {
    "JPEG": written(RGB, "JPEG"),
    "JPEG, chroma not halved": written(RGB, "JPEG", subsampling=0, quality=95),
    "JPEG, chroma halved across": written(RGB, "JPEG", subsampling=1, quality=90),
    "progressive JPEG": written(RGB, "JPEG", progressive=True),
    "grey JPEG": written(GREY, "JPEG"),
    "CMYK JPEG": written(RGB.convert("CMYK"), "JPEG"),
    "JPEG with a colour profile": written(RGB, "JPEG", icc_profile=PROFILE),
    "PNG": written(RGB, "PNG"),
    "grey PNG": written(GREY, "PNG"),
    "PNG with alpha": written(with_alpha(RGB), "PNG"),
    "grey PNG with alpha": written(with_alpha(GREY), "PNG"),
    "PNG with a palette": written(palette, "PNG"),
    "PNG with a palette of 4": written(few, "PNG", bits=2),
    "PNG with a palette and transparency": written(few, "PNG", bits=2, transparency=1),
    "PNG of 1 bit": written(RGB.convert("1"), "PNG"),
    "TIFF": written(RGB, "TIFF"),
    "TIFF, deflated": written(GREY, "TIFF", compression="tiff_adobe_deflate"),
    "TIFF of 1 bit": written(RGB.convert("1"), "TIFF", compression="group4"),
    "CMYK TIFF": written(RGB.convert("CMYK"), "TIFF"),
    "WebP": written(RGB, "WEBP"),
    "lossless WebP": written(RGB, "WEBP", lossless=True),
    "WebP with alpha": written(with_alpha(RGB), "WEBP", lossless=True, exact=True),
    "GIF": written(palette, "GIF"),
    **{f"JPEG, orientation {i}": with_orientation("JPEG", i) for i in range(1, 9)},
    "PNG, orientation 6": with_orientation("PNG", 6),
    "WebP, orientation 8": with_orientation("WEBP", 8),
}

real = {}
for folder in ["photos", "odd"] if len(sys.argv) > 1 else []:
    for path in sorted((pathlib.Path(sys.argv[1]) / folder).iterdir()):
        if path.suffix == ".json":
            continue
        try:
            real[f"{folder}/{path.name}"] = read(path)
        except Exception as error:
            real[f"{folder}/{path.name}"] = {"refused": type(error).__name__}

numbers = {"Pillow": PIL.__version__, "kinds": kinds, "real": real}
(HERE / "decode.json").write_text(json.dumps(numbers, indent=1) + "\n")

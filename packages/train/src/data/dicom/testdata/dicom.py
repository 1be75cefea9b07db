"""Writes dicom.json: one small picture in many kinds of DICOM files, with the grey levels that pydicom and GDCM read from them.

Stored values are pydicom's (GDCM decodes what is compressed), and so are the modality and VOI transformations; here they are
only brought to 0 to 255, rounded, and inverted for MONOCHROME1. Where a file
says nothing of a window, least to most is black to white, or all of 8 bits.

Run: /usr/bin/python3 dicom.py, then oxfmt   (Debian's python3-pydicom, python3-gdcm, libgdcm-tools and dcmtk)
"""

import base64
import io
import json
import pathlib
import subprocess
import tempfile
import warnings

import numpy as np
import pydicom
import pydicom.pixel_data_handlers.rle_handler
from PIL import Image
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixel_data_handlers.util import apply_modality_lut, apply_voi_lut, convert_color_space
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000,
    RLELossless,
)

warnings.simplefilter("ignore")
handlers = pydicom.pixel_data_handlers
pydicom.config.pixel_data_handlers = [handlers.gdcm_handler, handlers.rle_handler, handlers.numpy_handler]
HERE = pathlib.Path(__file__).parent
TEMPORARY = pathlib.Path(tempfile.mkdtemp())

# A bone across a soft field, with noise, and no symmetry. 21 x 13: both odd, so that padding and strides show.
y, x = np.mgrid[0:13, 0:21]
noise = np.random.RandomState(0).randint(0, 120, (13, 21))
PICTURE = (x * 60 + y * 90 + (abs(x - y - 3) < 3) * 1400 + noise).astype(np.uint16)  # within 12 bits
assert PICTURE.max() < 4096


def dataset(pixels, syntax=ExplicitVRLittleEndian, **attributes):
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.1.1"
    meta.MediaStorageSOPInstanceUID = "1.2.826.0.1.3680043.8.498.1"
    meta.TransferSyntaxUID = syntax
    ds = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    ds.is_little_endian = syntax != ExplicitVRBigEndian
    ds.is_implicit_VR = syntax == ImplicitVRLittleEndian
    ds.SOPClassUID = meta.MediaStorageSOPClassUID
    ds.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    ds.Modality = "DX"
    ds.PatientName = "Doe^Jane"
    ds.PatientID = "4711"
    rows, columns = pixels.shape[-2:] if pixels.ndim == 2 or pixels.shape[-1] != 3 else pixels.shape[:2]
    ds.Rows, ds.Columns = rows, columns
    ds.SamplesPerPixel = 3 if pixels.ndim == 3 and pixels.shape[-1] == 3 else 1
    ds.PhotometricInterpretation = "RGB" if ds.SamplesPerPixel == 3 else "MONOCHROME2"
    if ds.SamplesPerPixel == 3:
        ds.PlanarConfiguration = 0
    ds.BitsAllocated = pixels.dtype.itemsize * 8
    ds.BitsStored = 12 if ds.BitsAllocated == 16 else 8
    ds.HighBit = ds.BitsStored - 1
    ds.PixelRepresentation = int(pixels.dtype.kind == "i")
    for name, value in attributes.items():
        setattr(ds, name, value)
    data = pixels.byteswap() if not ds.is_little_endian else pixels
    ds.PixelData = data.tobytes() + (b"\0" if data.nbytes % 2 else b"")
    if "PixelData" in ds:
        ds["PixelData"].VR = "OW" if ds.BitsAllocated > 8 else "OB"
    return ds


def bytes_of(ds):
    path = TEMPORARY / "file.dcm"
    ds.save_as(path, write_like_original=False)
    return path.read_bytes()


def converted(ds, command):
    """The file as a program of GDCM's or DCMTK's compresses it."""
    (TEMPORARY / "in.dcm").write_bytes(bytes_of(ds))
    (TEMPORARY / "out.dcm").unlink(missing_ok=True)
    subprocess.run([*command, TEMPORARY / "in.dcm", TEMPORARY / "out.dcm"], check=True, capture_output=True)
    return (TEMPORARY / "out.dcm").read_bytes()


def lossy_2000(pixels):
    """By Pillow: GDCM's own encoder gives up on pictures this small."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG2000", irreversible=True, quality_layers=[4], num_resolutions=2, no_jp2=True)
    ds = dataset(pixels, JPEG2000, BitsStored=16, HighBit=15, **WINDOW)
    ds.PixelData = encapsulate([stream.getvalue()])
    ds["PixelData"].is_undefined_length = True
    return bytes_of(ds)


def levels(data):
    """[rows][columns] or [rows][columns][3] of 0 to 255."""
    (TEMPORARY / "read.dcm").write_bytes(data)
    ds = pydicom.dcmread(TEMPORARY / "read.dcm", force=True)
    if not hasattr(ds.file_meta, "TransferSyntaxUID"):
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian if not ds.is_implicit_VR else ImplicitVRLittleEndian
    stored = ds.pixel_array
    if int(ds.get("NumberOfFrames", 1)) > 1:
        stored = stored[0]
    if ds.SamplesPerPixel == 3:
        ybr = ds.PhotometricInterpretation in ("YBR_FULL", "YBR_FULL_422")
        return convert_color_space(stored, "YBR_FULL", "RGB") if ybr else stored
    values = apply_modality_lut(stored, ds).astype(np.float64)
    if "VOILUTSequence" in ds:
        found = apply_voi_lut(apply_modality_lut(stored, ds), ds)
        low, high = 0, 2 ** int(ds.VOILUTSequence[0].LUTDescriptor[2]) - 1
    elif "WindowWidth" in ds:
        found = apply_voi_lut(apply_modality_lut(stored, ds), ds, index=0)
        if "ModalityLUTSequence" in ds:
            low, high = 0, 2 ** int(ds.ModalityLUTSequence[0].LUTDescriptor[2]) - 1
        else:
            signed = ds.PixelRepresentation == 1
            low, high = (-(2 ** (ds.BitsStored - 1)), 2 ** (ds.BitsStored - 1) - 1) if signed else (0, 2**ds.BitsStored - 1)
            slope, intercept = float(ds.get("RescaleSlope", 1)), float(ds.get("RescaleIntercept", 0))
            low, high = low * slope + intercept, high * slope + intercept
    else:
        whole = ds.BitsStored <= 8 and ds.PixelRepresentation == 0 and "RescaleSlope" not in ds
        found, low, high = (values, 0, 2**ds.BitsStored - 1) if whole else (values, values.min(), values.max())
    eight = np.floor((found.astype(np.float64) - low) / (high - low) * 255 + 0.5).clip(0, 255).astype(np.uint8)
    return 255 - eight if ds.PhotometricInterpretation == "MONOCHROME1" else eight


def lut(values, first, bits, implicit=False):
    item = Dataset()
    item.add_new(0x00283002, "SS" if first < 0 else "US", [len(values) % 65536, first, bits])
    item.add_new(0x00283006, "US", list(values))
    return Sequence([item])


SIGNED = (PICTURE.astype(np.int16) - 1500).astype(np.int16)
EIGHT = (PICTURE >> 4).astype(np.uint8)
COLOUR = np.stack([EIGHT, 255 - EIGHT, np.roll(EIGHT, 3, 1)], 2)
WINDOW = {"WindowCenter": 1200, "WindowWidth": 1800}
CURVE = (65535 * (np.arange(4096) / 4095) ** 0.6).astype(int)

KINDS = {
    "explicit little endian": bytes_of(dataset(PICTURE)),
    "implicit little endian": bytes_of(dataset(PICTURE, ImplicitVRLittleEndian, **WINDOW)),
    "explicit big endian": bytes_of(dataset(PICTURE, ExplicitVRBigEndian, **WINDOW)),
    "deflated": bytes_of(dataset(PICTURE, DeflatedExplicitVRLittleEndian, **WINDOW)),
    "MONOCHROME1": bytes_of(dataset(PICTURE, PhotometricInterpretation="MONOCHROME1", **WINDOW)),
    "MONOCHROME1 without a window": bytes_of(dataset(PICTURE, PhotometricInterpretation="MONOCHROME1")),
    "8 bits": bytes_of(dataset(EIGHT)),
    "16 bits stored": bytes_of(dataset((PICTURE * 15).astype(np.uint16), BitsStored=16, HighBit=15)),
    "signed": bytes_of(dataset(SIGNED)),
    "signed, 12 bits stored": bytes_of(dataset(SIGNED, WindowCenter=-100, WindowWidth=1500)),
    "signed, implicit": bytes_of(dataset(SIGNED, ImplicitVRLittleEndian, WindowCenter=-100, WindowWidth=1500)),
    "rescaled": bytes_of(dataset(PICTURE, RescaleSlope="1.5", RescaleIntercept="-1024", WindowCenter="300", WindowWidth="2000")),
    "rescaled with a negative slope": bytes_of(dataset(PICTURE, RescaleSlope="-1", RescaleIntercept="4095")),
    "window LINEAR_EXACT": bytes_of(dataset(PICTURE, VOILUTFunction="LINEAR_EXACT", **WINDOW)),
    "window SIGMOID": bytes_of(dataset(PICTURE, VOILUTFunction="SIGMOID", **WINDOW)),
    "the first of two windows": bytes_of(dataset(PICTURE, WindowCenter=["900", "2000"], WindowWidth=["700", "4000"])),
    "a window of width 1": bytes_of(dataset(PICTURE, WindowCenter=1000, WindowWidth=1)),
    "VOI LUT": bytes_of(dataset(PICTURE, VOILUTSequence=lut(CURVE, 0, 16))),
    "VOI LUT of a part of the range": bytes_of(dataset(PICTURE, VOILUTSequence=lut(range(0, 1024, 2), 700, 10))),
    "VOI LUT of signed values": bytes_of(dataset(SIGNED, VOILUTSequence=lut(range(0, 4096, 2), -900, 12))),
    "modality LUT": bytes_of(dataset(PICTURE, ModalityLUTSequence=lut(CURVE[::-1], 0, 16), WindowCenter=30000, WindowWidth=40000)),
    "RLE": bytes_of(dataset(PICTURE, **WINDOW)),
    "RLE of 8 bits": bytes_of(dataset(EIGHT)),
    "RLE of colours": bytes_of(dataset(COLOUR)),
    "colours by pixel": bytes_of(dataset(COLOUR)),
    "colours by plane": bytes_of(dataset(COLOUR, PlanarConfiguration=1)),
    "YBR_FULL": bytes_of(dataset(COLOUR, PhotometricInterpretation="YBR_FULL")),
    "two frames": bytes_of(dataset(np.stack([PICTURE, PICTURE[::-1]]), NumberOfFrames=2, **WINDOW)),
    "JPEG baseline": converted(dataset(EIGHT), ["dcmcjpeg", "+eb"]),
    "JPEG baseline, MONOCHROME1": converted(dataset(EIGHT, PhotometricInterpretation="MONOCHROME1"), ["dcmcjpeg", "+eb"]),
    "JPEG baseline of colours": converted(dataset(COLOUR), ["dcmcjpeg", "+eb", "+cy", "+s4"]),
    "JPEG baseline of colours, subsampled": converted(dataset(COLOUR), ["dcmcjpeg", "+eb", "+cy", "+s2"]),
    "JPEG baseline of colours, not turned into YBR": converted(dataset(COLOUR), ["dcmcjpeg", "+eb", "+cr"]),
    "JPEG lossless": converted(dataset(PICTURE, **WINDOW), ["dcmcjpeg", "+el"]),
    "JPEG lossless, first order": converted(dataset(PICTURE, **WINDOW), ["dcmcjpeg", "+e1"]),
    "JPEG lossless of 8 bits": converted(dataset(EIGHT), ["dcmcjpeg", "+e1"]),
    "JPEG lossless, predictor 6": converted(dataset(PICTURE, **WINDOW), ["dcmcjpeg", "+el", "+sv", "6"]),
    "JPEG lossless, signed": converted(dataset(SIGNED), ["gdcmconv", "--jpeg"]),
    "JPEG lossless of colours": converted(dataset(COLOUR), ["gdcmconv", "--jpeg"]),
    "JPEG-LS": converted(dataset(PICTURE, **WINDOW), ["dcmcjpls"]),
    "JPEG-LS of 8 bits": converted(dataset(EIGHT), ["dcmcjpls"]),
    "JPEG-LS near lossless": converted(dataset(PICTURE, **WINDOW), ["dcmcjpls", "+en"]),
    "JPEG-LS of colours": converted(dataset(COLOUR), ["dcmcjpls"]),
    "JPEG 2000": converted(dataset(PICTURE, **WINDOW), ["gdcmconv", "--j2k"]),
    "JPEG 2000 of 8 bits": converted(dataset(EIGHT), ["gdcmconv", "--j2k"]),
    "JPEG 2000, signed": converted(dataset(SIGNED), ["gdcmconv", "--j2k"]),
    "JPEG 2000, lossy": lossy_2000(PICTURE),
    "JPEG 2000 of colours": converted(dataset(COLOUR), ["gdcmconv", "--j2k"]),
}

for kind in [name for name in KINDS if name.startswith("RLE")]:
    KINDS[kind] = converted(pydicom.dcmread(pydicom.filebase.DicomBytesIO(KINDS[kind])), ["dcmcrle"])

frames = pydicom.dcmread(pydicom.filebase.DicomBytesIO(KINDS["two frames"]))
frames.compress(RLELossless, encoding_plugin="pydicom")
KINDS["two frames, RLE"] = bytes_of(frames)

# What a program leaves that writes the data set alone.
KINDS["no preamble and no header"] = (lambda data: data[data.index(b"\x08\x00\x16\x00UI") :])(KINDS["explicit little endian"])
KINDS["no preamble and no header, implicit"] = (lambda data: data[data.index(b"\x08\x00\x16\x00", 200) :])(KINDS["implicit little endian"])

path = HERE / "dicom.json"
path.write_text(
    json.dumps(
        {
            "versions": {"pydicom": pydicom.__version__, "gdcm": __import__("gdcm").GDCM_VERSION},
            "kinds": {
                kind: {
                    "file": base64.b64encode(data).decode(),
                    "levels": base64.b64encode(np.ascontiguousarray(levels(data)).tobytes()).decode(),
                    "channels": 3 if np.ndim(levels(data)) == 3 else 1,
                }
                for kind, data in KINDS.items()
            },
        },
        indent=1,
    )
    + "\n"
)

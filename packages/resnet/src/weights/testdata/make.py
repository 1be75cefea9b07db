"""
Makes the small weight files in this folder and what they hold (expected.json.gz, shapes.json.gz).

    /usr/bin/python3 packages/resnet/src/weights/testdata/make.py      (torch 1.13, torchvision 0.14)

The tar container of torch 0.1.1 to 0.1.9 has no writer any more; it is written by hand after `legacy_load` in
torch/serialization.py, and torch.load has to read it here before it counts.
"""

import collections
import gzip
import io
import json
import pickle
import struct
import tarfile
from pathlib import Path

import torch
import torchvision

HERE = Path(__file__).parent
torch.manual_seed(0)


def dumped(state):
    """What a reader has to give: floats as f32, everything else as i64, row-major."""
    result = {}
    for name, tensor in state.items():
        tensor = tensor.detach()
        entry = {"shape": list(tensor.shape)}
        if tensor.is_floating_point():
            entry |= {"dtype": "f32", "data": [float(x) for x in tensor.float().flatten()]}
        else:
            entry |= {"dtype": "i64", "data": [int(x) for x in tensor.flatten()]}
        result[name] = entry
    return result


shared = torch.randn(10)
common = collections.OrderedDict(
    [
        ("conv.weight", torch.randn(4, 3, 3, 3)),
        ("conv.channels_last", torch.randn(2, 3, 4, 5).contiguous(memory_format=torch.channels_last)),
        ("fc.transposed", torch.randn(5, 7).t()),
        ("view.first", shared[:4]),
        ("view.overlapping", shared[3:9].view(2, 3)),
        ("view.every_other", shared[1::2]),
        ("tied", shared[:4]),
        ("bn.num_batches_tracked", torch.tensor(123456789012345)),
        ("expanded", torch.tensor([[1.5], [2.5]]).expand(2, 3)),
        ("empty", torch.zeros(0, 3)),
        ("double", torch.tensor([1 / 3, -2.0], dtype=torch.float64)),
        ("int32", torch.tensor([-5, 7], dtype=torch.int32)),
        ("int16", torch.tensor([[-300], [300]], dtype=torch.int16)),
        ("int8", torch.tensor([-128, 127], dtype=torch.int8)),
        ("uint8", torch.tensor([0, 255, 3], dtype=torch.uint8)),
    ]
)
# torch 0.1 had no bool and no bfloat16, and halves only on the GPU.
modern = collections.OrderedDict(common)
modern["half"] = torch.tensor([0.0, -0.0, 1.0, -2.5, 65504.0, 2**-14, 2**-24, -3 * 2**-20, float("inf")]).half()
modern["bfloat16"] = torch.tensor([0.0, 1.0, -3.140625, 2.0**-126, 3.0e38]).bfloat16()
modern["bool"] = torch.tensor([True, False, True])
torch.save(modern, HERE / "zip.pth")
torch.save(modern, HERE / "legacy.pth", _use_new_zipfile_serialization=False)
torch.save(modern, HERE / "legacy-protocol4.pth", _use_new_zipfile_serialization=False, pickle_protocol=4)

# A checkpoint as training programs write it: parameters, _metadata, DataParallel's prefix, an optimiser, other things.
model = torch.nn.DataParallel(torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2)))
optimizer = torch.optim.Adam(model.parameters())
model(torch.randn(4, 3)).sum().backward()
optimizer.step()
checkpoint = {
    "epoch": 3,
    "arch": "tiny",
    "best_acc1": torch.tensor(76.1),
    "state_dict": model.state_dict(keep_vars=True),
    "optimizer": optimizer.state_dict(),
}
torch.save(checkpoint, HERE / "checkpoint.pth")
inner = model.module.state_dict()


def tar_file(state):
    """The tar of torch 0.1.1, with one tensor more than `state` has: `view.storage`, over a view of a storage."""
    number = iter(range(100, 10**6))
    # Storages by their address; objects are numbered, as the pointers were that torch used.
    key_of, storages = {}, {}
    for tensor in state.values():
        pointer = tensor.storage().data_ptr()
        if pointer not in key_of:
            key_of[pointer] = next(number)
            storages[key_of[pointer]] = tensor
    # Elements 2 to 6 of `shared`.
    view_key = next(number)
    views = [(view_key, key_of[shared.storage().data_ptr()], 2, 4)]

    class Marker:
        def __init__(self, key):
            self.key = key

    class Pickler(pickle.Pickler):
        def persistent_id(self, obj):
            return str(obj.key) if isinstance(obj, Marker) else None

    storage_file = io.BytesIO()
    pickle.dump(len(storages), storage_file, protocol=2)
    for key, tensor in storages.items():
        storage = tensor.storage()
        kind = storage.pickle_storage_type()
        # A location and a type; the type by its name, as pickle writes a class.
        storage_file.write(pickle.dumps((key, "cpu", getattr(torch, kind)), protocol=2))
        storage_file.write(struct.pack("<q", storage.size()))
        values = torch.tensor([], dtype=tensor.dtype).set_(storage)
        storage_file.write(values.numpy().tobytes())
    pickle.dump(views, storage_file, protocol=2)

    tensor_file = io.BytesIO()
    entries = {name: (next(number), t, key_of[t.storage().data_ptr()], t.storage_offset()) for name, t in state.items()}
    entries["view.storage"] = (next(number), shared[3:5], view_key, 1)
    pickle.dump(len(entries), tensor_file, protocol=2)
    for key, tensor, storage, offset in entries.values():
        name = tensor.type().split(".")[-1]
        # type(tensor) was torch.FloatTensor then: a global by that name.
        head = pickle.dumps((key, storage, None), protocol=2)
        assert head.endswith(b"N\x87q\x00.") or head.endswith(b"N\x87.")
        head = head[: head.rindex(b"N\x87")] + b"ctorch\n" + name.encode() + b"\n\x87."
        tensor_file.write(head)
        tensor_file.write(struct.pack("<ii", tensor.dim(), 0))
        tensor_file.write(struct.pack(f"<{tensor.dim()}q", *tensor.shape))
        tensor_file.write(struct.pack(f"<{tensor.dim()}q", *tensor.stride()))
        tensor_file.write(struct.pack("<q", offset))

    pickled = io.BytesIO()
    Pickler(pickled, protocol=2).dump(collections.OrderedDict((name, Marker(e[0])) for name, e in entries.items()))
    system = pickle.dumps({"protocol_version": 1000, "little_endian": True}, protocol=2)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:", format=tarfile.PAX_FORMAT) as tar:
        for name, content in [
            ("sys_info", system),
            ("pickle", pickled.getvalue()),
            ("tensors", tensor_file.getvalue()),
            ("storages", storage_file.getvalue()),
        ]:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            # A fraction of a second: a pax header before the member, as torch's temporary files had.
            info.mtime = 1480000000.25
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


old = collections.OrderedDict((name, tensor) for name, tensor in common.items() if name != "expanded")
(HERE / "tar.pth").write_bytes(tar_file(old))
expected_tar = dumped(old) | dumped({"view.storage": shared[3:5]})
assert json.dumps(dumped(torch.load(HERE / "tar.pth"))) == json.dumps(expected_tar)


class OldParameter:
    """torch 0.1 to 0.3 pickled a Parameter as its class called with the data, and flags as its state."""

    def __init__(self, data):
        self.data = data

    def __reduce__(self):
        return (torch.nn.parameter.Parameter, (self.data,), (True, False, collections.OrderedDict()))


torch.save(
    collections.OrderedDict((name, OldParameter(t)) for name, t in inner.items() if t.is_floating_point()),
    HERE / "parameters.pth",
    _use_new_zipfile_serialization=False,
)
old_parameters = torch.load(HERE / "parameters.pth")


def safetensors_file(state, metadata):
    """https://huggingface.co/docs/safetensors#format, as its reference writer orders it: by element size, then name."""
    kinds = {torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.int64: "I64"}
    kinds |= {torch.int32: "I32", torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8", torch.bool: "BOOL"}
    header, data = {"__metadata__": metadata}, b""
    for name, tensor in sorted(state.items(), key=lambda item: (-item[1].element_size(), item[0])):
        tensor = tensor.contiguous()
        raw = tensor.view(torch.int16) if tensor.dtype == torch.bfloat16 else tensor
        content = raw.numpy().tobytes()
        header[name] = {
            "dtype": kinds[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [len(data), len(data) + len(content)],
        }
        data += content
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


(HERE / "tiny.safetensors").write_bytes(safetensors_file(modern, {"format": "pt", "note": "gr\u00fcn"}))

torch.jit.save(torch.jit.script(torch.nn.Linear(2, 1)), HERE / "torchscript.pth")

expected = {
    "zip.pth": dumped(modern),
    "legacy.pth": dumped(modern),
    "legacy-protocol4.pth": dumped(modern),
    "tiny.safetensors": dumped(modern),
    "tar.pth": expected_tar,
    "checkpoint.pth": dumped(inner),
    "parameters.pth": dumped(old_parameters),
}
text = json.dumps(expected, separators=(",", ":")).replace("Infinity", '"inf"')
(HERE / "expected.json.gz").write_bytes(gzip.compress(text.encode(), mtime=0))

# Names and shapes of whole networks, of the family and of its relations.
shapes = {
    name: {key: list(value.shape) for key, value in getattr(torchvision.models, name)().state_dict().items()}
    for name in ["resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "wide_resnet50_2", "resnext50_32x4d"]
}
(HERE / "shapes.json.gz").write_bytes(gzip.compress(json.dumps(shapes).encode(), mtime=0))

"""Single kernels of PyTorch on the operands of benchmarks/lib/kernelParts.mjs, layouts as ours: NHWC, filters [k, r, s, c]."""

import torch
from torch.nn import functional as F

import given

TYPES = {"f32": torch.float32, "f16": torch.float16}


def open_kernel(part, device):
    """(run once, samples of the result)"""
    return {"gemm": gemm, "conv": conv, "norm": norm, "copy": copy}[part["op"]](part, device)


def operand(shape, seed, dtype, device):
    size = 1
    for extent in shape:
        size *= extent
    return torch.from_numpy(given.operand(size, seed).reshape(shape)).to(device, TYPES[dtype])


def channels_last(shape, seed, dtype, device):
    """[n, h, w, c] in memory, seen as torch sees it: [n, c, h, w]."""
    return operand(shape, seed, dtype, device).permute(0, 3, 1, 2)


def gemm(part, device):
    a = operand((part["m"], part["k"]), 1, part["dtype"], device)
    b = operand((part["k"], part["n"]), 2, part["dtype"], device)
    y = torch.empty(part["m"], part["n"], dtype=a.dtype, device=device)
    return lambda: torch.matmul(a, b, out=y), lambda: given.samples(y)


def conv(part, device):
    n, h, c, k, r, out = (part[name] for name in ("n", "h", "c", "k", "r", "out"))
    dtype, product = part["dtype"], part["product"]
    shapes = {"x": (n, h, h, c), "w": (k, r, r, c), "dy": (n, out, out, k)}
    names = {"forward": ("x", "w"), "gradInput": ("dy", "w"), "gradWeight": ("x", "dy")}[product]
    made = {name: channels_last(shapes[name], seed + 1, dtype, device) for seed, name in enumerate(names)}
    stride, padding = [part["stride"]] * 2, [part["padding"]] * 2
    last = {}

    def forward():
        last["y"] = F.conv2d(made["x"], made["w"], None, stride, padding)

    def backward():
        # The operand that isn't read only tells the shape: its memory is never touched.
        x = made["x"] if "x" in made else torch.empty(shapes["x"], dtype=TYPES[dtype], device=device).permute(0, 3, 1, 2)
        w = made["w"] if "w" in made else torch.empty(shapes["w"], dtype=TYPES[dtype], device=device).permute(0, 3, 1, 2)
        wanted = [product == "gradInput", product == "gradWeight", False]
        gradients = torch.ops.aten.convolution_backward(
            made["dy"], x, w, None, stride, padding, [1, 1], False, [0, 0], 1, wanted
        )
        last["y"] = gradients[0] if product == "gradInput" else gradients[1]

    run = forward if product == "forward" else backward
    return run, lambda: given.samples(last["y"].permute(0, 2, 3, 1))


def norm(part, device):
    shape, dtype = (part["n"], part["h"], part["w"], part["c"]), part["dtype"]
    x = channels_last(shape, 1, dtype, device).requires_grad_()
    dy = channels_last(shape, 2, dtype, device)
    weight, bias = (operand((part["c"],), seed, "f32", device).requires_grad_() for seed in (3, 4))
    mean, var = (operand((part["c"],), seed, "f32", device) for seed in (5, 6))
    last = {}

    def run():
        y = F.relu(F.batch_norm(x, mean, var, weight, bias, True, 0.1, 1e-5))
        last["y"] = y.detach()
        last["dx"], last["dw"], _ = torch.autograd.grad(y, (x, weight, bias), dy)

    def results():
        order = (0, 2, 3, 1)
        return given.samples(last["y"].permute(order)) + given.samples(last["dx"].permute(order)) + last["dw"].tolist()

    return run, results


def copy(part, device):
    source = torch.ones(part["size"] // 4, device=device)
    target = torch.empty_like(source)
    return lambda: target.copy_(source), lambda: None

"""Every op's result and gradients by torch in f64, for the tests beside the ops: python3 makeTorchNumbers.py > torch.json

A case is an op on seeded inputs in this project's layout (NHWC, filters [K][R][S][C]): its result y, a fixed random r, and the
gradients of sum(y * r). Inputs keep clear of kinks, so that finite differences agree too.
"""

import json
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
cases = {}


def numbers(t):
    # seven digits, as an f32 has
    return [float(f"{v:.7g}") for v in t.detach().reshape(-1).tolist()]


def saved(t):
    return dict(shape=list(t.shape), data=numbers(t))


def case(name, op, *inputs, **extra):
    """Draws again until no input of a kink (what `op` marks by `kink`) is near it."""
    global kinks
    for seed in range(10_000):
        torch.manual_seed(seed)
        kinks = []
        given = [draw().requires_grad_() for draw in inputs]
        y = op(*given)
        if not kinks or min(k.abs().min().item() for k in kinks) > 0.04:
            break
    else:
        raise RuntimeError(f"{name}: no inputs clear of the kinks")
    r = torch.round(torch.randn(y.shape) * 8) / 8
    grads = torch.autograd.grad((y * r).sum(), given, allow_unused=True)
    gradients = [numbers(torch.zeros_like(x) if g is None else g) for g, x in zip(grads, given)]
    cases[name] = dict(inputs=[saved(x) for x in given], y=saved(y), r=numbers(r), gradients=gradients, **extra)


def kink(t):
    kinks.append(t)
    return t


def randn(*shape, shift=0.0):
    return lambda: torch.round(torch.randn(shape) * 64) / 64 + shift


def positive(*shape):
    return lambda: torch.round(torch.rand(shape) * 64) / 64 + 0.5


def distinct(*shape):
    """Values at least 1/8 apart, so that a maximum stays where it is."""
    n = int(torch.tensor(shape).prod())
    return lambda: torch.randperm(n).reshape(shape) / 8.0 - n / 16


def nchw(t):
    return t.permute(0, 3, 1, 2)


def nhwc(t):
    return t.permute(0, 2, 3, 1)


def conv(stride, padding):
    return lambda x, w, b=None: nhwc(F.conv2d(nchw(x), nchw(w), b, stride=stride, padding=padding))


case("conv2d 1x1/1", conv(1, 0), randn(2, 3, 5, 3), randn(4, 1, 1, 3))
case("conv2d 1x1/2", conv(2, 0), randn(2, 3, 5, 3), randn(4, 1, 1, 3))
case("conv2d 3x3/1", conv(1, 1), randn(2, 3, 5, 3), randn(4, 3, 3, 3))
case("conv2d 3x3/2", conv(2, 1), randn(2, 3, 5, 3), randn(4, 3, 3, 3))
case("conv2d 3x3/1, bias, no padding", conv(1, 0), randn(2, 3, 5, 3), randn(4, 3, 3, 3), randn(4))
case("conv2d 7x7/2", conv(2, 3), randn(1, 8, 9, 1), randn(2, 7, 7, 1))

case("matmul", lambda a, b: a @ b, randn(3, 4), randn(4, 5))
case("matmul, a transposed", lambda a, b: a.T @ b, randn(4, 3), randn(4, 5))
case("matmul, b transposed", lambda a, b: a @ b.T, randn(3, 4), randn(5, 4))
case("matmul, both transposed", lambda a, b: a.T @ b.T, randn(4, 3), randn(5, 4))
case("linear", lambda x, w: F.linear(x, w), randn(3, 4), randn(5, 4))
case("linear, bias", F.linear, randn(3, 4), randn(5, 4), randn(5))

MEAN, VAR = [0.5, -0.25, 1.5], [0.5, 2.0, 1.25]
for training in (True, False):
    for relu in (False, True):
        for residual in (False, True):
            running = []

            def norm(x, w, b, added=None):
                running[:] = [torch.tensor(MEAN), torch.tensor(VAR)]
                y = nhwc(F.batch_norm(nchw(x), *running, w, b, training, 0.1, 1e-5))
                y = y if added is None else y + added
                return F.relu(kink(y)) if relu else y

            name = ", ".join(["batchNorm train" if training else "batchNorm eval"] + ["relu"] * relu + ["residual"] * residual)
            inputs = [randn(2, 2, 3, 3), randn(3, shift=0.25), randn(3)] + [randn(2, 2, 3, 3)] * residual
            case(name, norm, *inputs)
            cases[name]["running"] = [numbers(t) for t in running]

case("maxPool2d 3x3/2", lambda x: nhwc(F.max_pool2d(nchw(x), 3, 2, 1)), distinct(2, 5, 6, 2))
case("maxPool2d 2x2/2", lambda x: nhwc(F.max_pool2d(nchw(x), 2)), distinct(2, 5, 6, 2))
case("globalAvgPool", lambda x: x.mean((1, 2)), randn(2, 5, 6, 2))

case("softmax", lambda x: F.softmax(x, -1), randn(3, 5))
case("softmax of three dimensions", lambda x: F.softmax(x, -1), randn(2, 2, 5))
case("logSoftmax", lambda x: F.log_softmax(x, -1), randn(3, 5))
LABELS, WEIGHTS = [4, 0, 2], [0.5, 2.0, 1.0, 1.5, 0.25]
labels, weights = torch.tensor(LABELS), torch.tensor(WEIGHTS)
for name, options in {
    "": {},
    ", weights": dict(weight=weights),
    ", smoothing": dict(label_smoothing=0.1),
    ", weights and smoothing": dict(weight=weights, label_smoothing=0.1),
}.items():
    case(f"softmaxCrossEntropy{name}", lambda x: F.cross_entropy(x, labels, **options), randn(3, 5), labels=LABELS, weights=WEIGHTS)
ignoring = torch.tensor([4, -100, 2])
case("softmaxCrossEntropy, a label ignored", lambda x: F.cross_entropy(x, ignoring, weight=weights), randn(3, 5), weights=WEIGHTS)

SHAPES = {
    "": ((2, 3, 4), (2, 3, 4)),
    ", a row": ((2, 3, 4), (4,)),
    ", a column": ((2, 3, 4), (3, 1)),
    ", both repeated": ((3, 1), (2, 1, 4)),
    ", a scalar": ((2, 3), ()),
}
for suffix, (a, b) in SHAPES.items():
    case(f"add{suffix}", torch.add, randn(*a), randn(*b))
    case(f"sub{suffix}", torch.sub, randn(*a), randn(*b))
    case(f"mul{suffix}", torch.mul, randn(*a), randn(*b))
    case(f"div{suffix}", torch.div, randn(*a), positive(*b))
    case(f"maximum{suffix}", lambda x, y: (kink(x - y), torch.maximum(x, y))[1], randn(*a), randn(*b))
    case(f"minimum{suffix}", lambda x, y: (kink(x - y), torch.minimum(x, y))[1], randn(*a), randn(*b))
case("addRelu", lambda a, b: F.relu(kink(a + b)), randn(2, 3, 4), randn(2, 3, 4))
case("affine", lambda x: x * -2.5 + 0.5, randn(2, 3))
case("maximum of a number", lambda x: (kink(x - 0.25), x.clamp(min=0.25))[1], randn(2, 3))

for name, options in {
    "": {},
    ", the middle": dict(dim=1),
    ", the last, kept": dict(dim=-1, keepdim=True),
    ", first and last": dict(dim=(0, 2)),
}.items():
    case(f"sum{name}", lambda x: torch.sum(x, **options), randn(2, 3, 4))
    case(f"mean{name}", lambda x: torch.mean(x, **options), randn(2, 3, 4))

case("reshape", lambda x: x.reshape(4, 6), randn(2, 3, 4))
case("permute", lambda x: x.permute(1, 2, 0), randn(2, 3, 4))
case("transpose", lambda x: x.transpose(-2, -1), randn(2, 3, 4))
case("transpose, named", lambda x: x.transpose(0, 2), randn(2, 3, 4))

case("relu", lambda x: F.relu(kink(x)), randn(2, 3, 4))
case("abs", lambda x: kink(x).abs(), randn(2, 3, 4))
for name in ("neg", "square", "exp", "sigmoid", "tanh"):
    case(name, getattr(torch, name), randn(2, 3, 4))
for name in ("reciprocal", "sqrt", "rsqrt", "log"):
    case(name, getattr(torch, name), positive(2, 3, 4))

print(json.dumps(dict(torch=torch.__version__, cases=cases)))

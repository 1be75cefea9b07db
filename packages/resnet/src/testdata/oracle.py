"""What the scripts beside the numbers share: pseudo-random weights that the tests make again from the same hash, and prints of
tensors that are too large to be committed (../testing/oracle.ts has the same)."""
import math

import numpy as np
import torch


def fmix32(x):
    """The finaliser of MurmurHash3 on uint32."""
    x = x.astype(np.uint32)
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x85EBCA6B)
    x ^= x >> np.uint32(13)
    x *= np.uint32(0xC2B2AE35)
    x ^= x >> np.uint32(16)
    return x


def uniform(count, seed):
    """float32 values in [-1, 1): a pure function of (seed, index)."""
    with np.errstate(over="ignore"):
        words = fmix32(np.arange(count, dtype=np.uint32) + np.uint32(seed * 0x9E3779B9 & 0xFFFFFFFF))
    return (words.astype(np.float64) / 2**31 - 1).astype(np.float32)


def hash_state(model):
    """Weights by the order of the parameters: filters by He, batch norms near the identity."""
    state = model.state_dict()
    for index, (name, value) in enumerate(state.items()):
        u = uniform(value.numel(), index + 1).astype(np.float64)
        if name.endswith("running_mean") or name.endswith("num_batches_tracked"):
            u = u * 0
        elif name.endswith("running_var"):
            u = u * 0 + 1
        elif value.dim() == 4:
            o, i, h, w = value.shape
            u = u * math.sqrt(6 / (o * h * w))
        elif value.dim() == 2:
            u = u * math.sqrt(3 / value.shape[1])
        elif name.endswith("weight"):
            u = 0.6 + 0.3 * u
        else:
            u = 0.1 * u
        state[name] = torch.from_numpy(u).reshape(value.shape).to(value.dtype)
    return state


def pictures(n, size, seed):
    """[n, 3, size, size]: blocks of 8 x 8 pixels and some noise."""
    blocks = uniform(n * 3 * (size // 8) ** 2, seed).reshape(n, 3, size // 8, size // 8)
    noise = uniform(n * 3 * size * size, seed + 1).reshape(n, 3, size, size)
    x = blocks.repeat(8, axis=2).repeat(8, axis=3).astype(np.float64) * 1.5 + noise.astype(np.float64) * 0.25
    return torch.from_numpy(x.astype(np.float32))


def prints(tensor):
    """The norm of a tensor and 8 sums of its elements with pseudo-random signs: the mean square of the differences of
    such sums estimates the squared norm of the difference of two tensors."""
    values = tensor.detach().double().numpy().reshape(-1)
    words = fmix32(np.arange(values.size, dtype=np.uint32) + np.uint32(1))
    sums = [float(np.sum(values * (((words >> np.uint32(bit)) & 1).astype(np.float64) * 2 - 1))) for bit in range(8)]
    return [float(f"{v:.9g}") for v in [float(np.linalg.norm(values)), *sums]]


def train_steps(model, x, y, lr, steps, training):
    """Losses of Adam steps, in training mode or with fixed statistics, the gradients of the first, and the state after the last."""
    model.train(training)
    adam = torch.optim.Adam(model.parameters(), lr=lr)
    losses, gradients = [], {}
    for step in range(steps):
        adam.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(x), y)
        loss.backward()
        if step == 0:
            gradients = {name: parameter.grad.clone() for name, parameter in model.named_parameters()}
        adam.step()
        losses.append(loss.item())
    return losses, gradients, {name: value for name, value in model.state_dict().items() if "running" in name}


def worst(a, b):
    return max(((a[name].double() - b[name].double()).norm() / b[name].double().norm()).item() for name in b)

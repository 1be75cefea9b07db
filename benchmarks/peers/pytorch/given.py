"""What every side is given, drawn as benchmarks/lib/model.mjs draws it: mulberry32, whose n-th state is the seed plus n steps."""

import numpy as np

LEVELS = 2048
SAMPLES = 1024
CHUNK = 1 << 22


class Generator:
    def __init__(self, seed):
        self.seed, self.drawn = np.uint32(seed), 0

    def uniform(self, size):
        """[size] numbers in [0, 1), f64."""
        result = np.empty(size)
        with np.errstate(over="ignore"):
            for start in range(0, size, CHUNK):
                count = min(CHUNK, size - start)
                n = np.arange(self.drawn + 1, self.drawn + 1 + count, dtype=np.uint64).astype(np.uint32)
                state = self.seed + n * np.uint32(0x6D2B79F5)
                t = (state ^ (state >> np.uint32(15))) * (state | np.uint32(1))
                t ^= t + (t ^ (t >> np.uint32(7))) * (t | np.uint32(61))
                result[start : start + count] = (t ^ (t >> np.uint32(14))) / 4294967296.0
                self.drawn += count
        return result

    def between(self, size, low, high):
        return (low + (high - low) * self.uniform(size)).astype(np.float32)


def operand(size, seed):
    """Operand `seed` of a kernel: multiples of 1/1024 in [-1, 1), f32."""
    levels = np.floor(Generator(seed).uniform(size) * LEVELS)
    return ((levels - LEVELS / 2) / (LEVELS / 2)).astype(np.float32)


def batch(images, size, classes, seed=2):
    """Pictures [n, size, size, 3] and labels [n]."""
    generator = Generator(seed)
    pixels = generator.between(images * size * size * 3, -2, 2).reshape(images, size, size, 3)
    return pixels, np.floor(generator.uniform(images) * classes).astype(np.int64)


def samples(tensor):
    """Values of a result, evenly spread over it in the order in which it is given."""
    flat = tensor.reshape(-1)
    count = min(SAMPLES, flat.numel())
    at = [i * flat.numel() // count for i in range(count)]
    return flat[at].float().cpu().tolist()

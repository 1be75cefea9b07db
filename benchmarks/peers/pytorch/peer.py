"""PyTorch's side of a comparison: the task is the argument, the answer one line of JSON. See benchmarks/lib/worker.mjs, whose twin this is.

Prints {"unavailable": reason} where this machine can't do the task: no torch, no CUDA for what CPUs don't have.
"""

import json
import math
import sys
import time

try:
    import torch
except ImportError as error:
    print(json.dumps({"unavailable": f"{sys.executable}: {error}"}))
    sys.exit()

import given
import kernels
from network import Network

ROUND_S = 0.02
MOST_PER_ROUND = 256


def main():
    task = json.loads(sys.argv[1])
    cuda = torch.cuda.is_available()
    device = torch.device("cuda" if cuda else "cpu")
    reason = unavailable(task, cuda)
    if reason:
        print(json.dumps({"unavailable": reason}))
        return
    tf32 = task["precision"] == "tf32"
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = tf32
    torch.backends.cudnn.benchmark = True
    parts = []
    if "parts" in task:
        for part in task["parts"]:
            parts.append(measure_kernel(part, task, device))
            if cuda:
                torch.cuda.empty_cache()
    else:
        parts.append(measure_network(task, device))
    print(json.dumps({"name": "pytorch", "adapter": describe(cuda), "versions": versions(cuda), "parts": parts}))


def unavailable(task, cuda):
    halves = any(part.get("dtype") == "f16" for part in task.get("parts", []))
    if not cuda and (task["precision"] != "f32" or halves):
        return f"torch {torch.__version__} finds no CUDA device, and {task['precision']} is measured there alone"
    return None


def describe(cuda):
    if not cuda:
        return {"device": "cpu", "driver": f"{torch.get_num_threads()} threads"}
    properties = torch.cuda.get_device_properties(0)
    memory = f"{properties.total_memory / 2**30:.0f} GiB"
    return {"device": torch.cuda.get_device_name(0), "driver": f"CUDA {torch.version.cuda}, {memory}"}


def versions(cuda):
    cudnn = {"cudnn": torch.backends.cudnn.version()} if cuda else {}
    return {"torch": torch.__version__, "python": sys.version.split()[0], **cudnn}


def sync(device):
    if device.type == "cuda":
        torch.cuda.synchronize()


def measure_kernel(part, task, device):
    run, results = kernels.open_kernel(part, device)

    def many(times):
        for _ in range(times):
            run()
        sync(device)

    many(1)
    found = results()
    times = times_per_round(many)
    return {"name": part["name"], "times": times, "results": found, **rounds(task["warmup"], task["rounds"], lambda: many(times), times)}


def measure_network(task, device):
    network = Network(task, device)
    pixels, labels = given.batch(task["batch"], task["size"], task["classes"])
    results = []

    def note(result):
        if network.training or not results:
            results.extend(result)

    network.write(pixels, labels)
    resident, times = task.get("resident", False), 1
    if resident:
        for _ in range(task["warmup"]):
            note(network.run(1))
        times = times_per_round(network.run)

    def step():
        if not resident:
            network.write(pixels, labels)
        result = network.run(times)
        if not resident:
            note(result)

    timing = rounds(1 if resident else task["warmup"], task["rounds"], step, times)
    return {"name": "", "times": times, "results": results, "dispatches": None, **timing}


def times_per_round(run):
    started = time.perf_counter()
    run(1)
    once = time.perf_counter() - started
    return min(MOST_PER_ROUND, max(1, math.ceil(ROUND_S / once)))


def rounds(warmup, count, body, times):
    wall, cpu = [], []
    for index in range(warmup + count):
        used, started = time.process_time(), time.perf_counter()
        body()
        elapsed = time.perf_counter() - started
        if index < warmup:
            continue
        wall.append(elapsed * 1000 / times)
        cpu.append((time.process_time() - used) * 1000 / times)
    return {"wall_ms": wall, "cpu_ms": cpu}


main()

"""Bytes that PyTorch's autograd saves in the forward pass of a ResNet-50 training step, f32: each storage once, parameters
and the input aside. They grow with the batch, so that a small one is measured (torch.autograd.graph.saved_tensors_hooks) and
scaled: two batches give what is per picture and what is not.

    python3 benchmarks/peers/savedTensors.py [--size 224] [--batch 32]
"""
import argparse
import json

import torch
import torchvision


def saved_bytes(model, size, batch):
    images = torch.randn(batch, 3, size, size)
    labels = torch.zeros(batch, dtype=torch.long)
    # The input is no activation; running statistics are the model's.
    own = {t.storage().data_ptr() for t in [images, labels, *model.parameters(), *model.buffers()]}
    storages = {}
    kept = []  # so that no address is given to another storage in between

    def pack(tensor):
        kept.append(tensor)
        storage = tensor.storage()
        if storage.data_ptr() not in own:
            storages[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        torch.nn.functional.cross_entropy(model(images), labels)
    return sum(storages.values())


parser = argparse.ArgumentParser()
parser.add_argument("--size", type=int, default=224)
parser.add_argument("--batch", type=int, default=32)
arguments = parser.parse_args()
torch.manual_seed(0)
model = torchvision.models.resnet50(weights=None).train()
two, four = (saved_bytes(model, arguments.size, batch) for batch in (2, 4))
each = (four - two) // 2
print(json.dumps({
    "torch": torch.__version__,
    "size": arguments.size,
    "batch": arguments.batch,
    "savedBytes": two - 2 * each + arguments.batch * each,
    "perPicture": each,
}))

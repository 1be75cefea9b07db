"""The plain PyTorch loop over a folder, to lay beside `fracture train --no-shuffle --augment none --freeze none`: prints
`epoch,step,loss` a line. Both start from the same file, with a head of two classes.

    python3 plainXrays.py DATA/train START.pth [--epochs 3] [--batch-size 8] [--lr 1e-4] [--size 224]
    python3 plainXrays.py --make-start WEIGHTS.pth START.pth       (ImageNet weights with a new head)

torch 1.13, torchvision 0.14.
"""
import argparse

import torch
import torchvision
from torchvision import transforms

parser = argparse.ArgumentParser()
parser.add_argument("data")
parser.add_argument("start")
parser.add_argument("--make-start", action="store_true")
parser.add_argument("--epochs", type=int, default=3)
parser.add_argument("--batch-size", type=int, default=8)
parser.add_argument("--lr", type=float, default=1e-4)
parser.add_argument("--size", type=int, default=224)
parser.add_argument("--double", action="store_true")
options = parser.parse_args()

torch.manual_seed(0)
model = torchvision.models.resnet50()
if options.make_start:
    model.load_state_dict(torch.load(options.data))
    model.fc = torch.nn.Linear(model.fc.in_features, 2)
    torch.save(model.state_dict(), options.start)
    raise SystemExit
model.fc = torch.nn.Linear(model.fc.in_features, 2)
model.load_state_dict(torch.load(options.start))
dtype = torch.float64 if options.double else torch.float32
model = model.to(dtype).train()
transform = transforms.Compose(
    [
        transforms.Resize(options.size),
        transforms.CenterCrop(options.size),
        transforms.Grayscale(3),
        transforms.ToTensor(),
        transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
    ]
)
loader = torch.utils.data.DataLoader(torchvision.datasets.ImageFolder(options.data, transform), options.batch_size)
adam = torch.optim.Adam(model.parameters(), lr=options.lr)
step = 0
print("epoch,step,loss")
for epoch in range(options.epochs):
    for x, y in loader:
        adam.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(x.to(dtype)), y)
        loss.backward()
        adam.step()
        step += 1
        print(f"{epoch + 1},{step},{loss.item()}", flush=True)

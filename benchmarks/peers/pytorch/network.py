"""ResNet-50 v1.5 in plain PyTorch (torchvision may be missing), its training step and its forward pass."""

from contextlib import nullcontext

import torch
from torch import nn
from torch.nn import functional as F

import given


def norm(channels):
    return nn.BatchNorm2d(channels)


class Bottleneck(nn.Module):
    def __init__(self, inputs, planes, stride, projected):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inputs, planes, 1, bias=False), norm(planes)
        self.conv2, self.bn2 = nn.Conv2d(planes, planes, 3, stride, 1, bias=False), norm(planes)
        self.conv3, self.bn3 = nn.Conv2d(planes, planes * 4, 1, bias=False), norm(planes * 4)
        self.downsample = None
        if projected:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, planes * 4, 1, stride, bias=False), norm(planes * 4))

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        y = F.relu(self.bn2(self.conv2(y)), inplace=True)
        y = self.bn3(self.conv3(y))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)), inplace=True)


class ResNet50(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False), norm(64)
        inputs = 64
        for stage, (planes, blocks) in enumerate([(64, 3), (128, 4), (256, 6), (512, 3)]):
            layers = []
            for block in range(blocks):
                stride = 2 if block == 0 and stage > 0 else 1
                layers.append(Bottleneck(inputs, planes, stride, block == 0))
                inputs = planes * 4
            setattr(self, f"layer{stage + 1}", nn.Sequential(*layers))
        self.fc = nn.Linear(inputs, classes)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x)), inplace=True), 3, 2, 1)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean((2, 3)))


class Network:
    """A step at a time: `write` puts pictures on the device, `run` gives the last loss, or the logits."""

    def __init__(self, task, device):
        self.device, self.mixed = device, task["precision"] == "mixed"
        self.training, self.classes = task["kind"] == "train", task["classes"]
        model = ResNet50(self.classes)
        generator = given.Generator(1)
        state = model.state_dict()
        for spec in task["weights"]:
            size = 1
            for extent in spec["shape"]:
                size *= extent
            values = generator.between(size, spec["low"], spec["high"]).reshape(spec["shape"])
            state[spec["name"]] = torch.from_numpy(values)
        model.load_state_dict(state)
        # Channels last is what AMP is fastest with, and f32 too where TF32 is on; cuDNN's own f32 kernels prefer neither.
        self.format = torch.channels_last if task["channels_last"] else torch.contiguous_format
        self.model = model.to(device, memory_format=self.format).train(self.training)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=task["learning_rate"])
        self.scaler = torch.cuda.amp.GradScaler(enabled=self.mixed)

    def write(self, pixels, labels):
        images = torch.from_numpy(pixels).to(self.device).permute(0, 3, 1, 2)
        self.images = images.contiguous(memory_format=self.format)
        self.labels = torch.from_numpy(labels).to(self.device)

    def run(self, times):
        for _ in range(times):
            result = self.train() if self.training else self.infer()
        return result.detach().reshape(-1).float().cpu().tolist()

    def autocast(self):
        return torch.autocast("cuda", dtype=torch.float16) if self.mixed else nullcontext()

    def train(self):
        self.optimizer.zero_grad(set_to_none=True)
        with self.autocast():
            loss = F.cross_entropy(self.model(self.images), self.labels)
        self.scaler.scale(loss).backward()
        self.scaler.step(self.optimizer)
        self.scaler.update()
        return loss

    def infer(self):
        with torch.no_grad(), self.autocast():
            return self.model(self.images)

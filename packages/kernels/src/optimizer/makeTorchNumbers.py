"""Ten steps of torch.optim on 13 numbers, for optimizer.test.ts: python3 makeTorchNumbers.py > torch.json"""

import json
import torch

SETTINGS = {
    "adam": (torch.optim.Adam, dict(lr=1e-2)),
    "adam, weight decay": (torch.optim.Adam, dict(lr=3e-3, weight_decay=0.1)),
    "adam, betas and eps": (torch.optim.Adam, dict(lr=1e-2, betas=(0.8, 0.95), eps=1e-3)),
    "adamw": (torch.optim.AdamW, dict(lr=1e-2, weight_decay=0.1)),
    "sgd": (torch.optim.SGD, dict(lr=0.1)),
    "sgd, weight decay": (torch.optim.SGD, dict(lr=0.1, weight_decay=0.05)),
    "sgd, momentum": (torch.optim.SGD, dict(lr=0.05, momentum=0.9, weight_decay=1e-2)),
    "sgd, nesterov": (torch.optim.SGD, dict(lr=0.05, momentum=0.9, nesterov=True, weight_decay=1e-2)),
}

torch.manual_seed(0)
start = torch.randn(13)
grads = torch.randn(10, 13)
grads[:, 3] *= 1e-6  # where eps matters
grads[:, 5] = 0
results = {}
for name, (optimizer, options) in SETTINGS.items():
    parameter = torch.nn.Parameter(start.clone())
    optim = optimizer([parameter], **options)
    steps = []
    for grad in grads:
        parameter.grad = grad.clone()
        optim.step()
        steps.append(parameter.detach().tolist())
    results[name] = steps
print(json.dumps(dict(torch=torch.__version__, start=start.tolist(), grads=grads.tolist(), results=results)))

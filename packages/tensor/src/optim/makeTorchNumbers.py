"""Ten steps of torch.optim on 13 numbers, for optimizer.test.ts: python3 makeTorchNumbers.py > torch.json

`groups` are two parameters with the same gradients in one Adam, whose rates are divided by ten after five steps.
"""

import json
import torch

SETTINGS = {
    "adam": (torch.optim.Adam, dict(lr=1e-2)),
    "adam, weight decay": (torch.optim.Adam, dict(lr=3e-3, weight_decay=0.1)),
    "adam, betas and eps": (torch.optim.Adam, dict(lr=1e-2, betas=(0.8, 0.95), eps=1e-3)),
    "adamw": (torch.optim.AdamW, dict(lr=1e-2)),
    "sgd": (torch.optim.SGD, dict(lr=0.1, weight_decay=0.05)),
    "sgd, momentum": (torch.optim.SGD, dict(lr=0.05, momentum=0.9, weight_decay=1e-2)),
    "sgd, nesterov": (torch.optim.SGD, dict(lr=0.05, momentum=0.9, nesterov=True)),
}

torch.manual_seed(1)
start = torch.randn(13)
grads = torch.randn(10, 13)
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

pair = [torch.nn.Parameter(start.clone()) for _ in range(2)]
optim = torch.optim.Adam([dict(params=[pair[0]], lr=1e-3), dict(params=[pair[1]], weight_decay=0.1)], lr=1e-2)
for i, grad in enumerate(grads):
    if i == 5:
        for group in optim.param_groups:
            group["lr"] /= 10
    for parameter in pair:
        parameter.grad = grad.clone()
    optim.step()

print(
    json.dumps(
        dict(
            torch=torch.__version__,
            start=start.tolist(),
            grads=grads.tolist(),
            results=results,
            groups=[parameter.tolist() for parameter in pair],
        )
    )
)

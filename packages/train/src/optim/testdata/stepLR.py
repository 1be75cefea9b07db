"""Makes stepLR.json: the rates of torch.optim.lr_scheduler.StepLR, epoch by epoch. Run: python3 stepLR.py"""
import json
import pathlib
import torch

cases = []
for base, step_size, gamma, epochs in [(1e-3, 7, 0.1, 40), (3e-4, 1, 0.3, 12), (0.1, 5, 0.5, 23), (1e-4, 30, 0.1, 10)]:
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=base)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=step_size, gamma=gamma)
    rates = []
    for _ in range(epochs):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    cases.append({"baseLr": base, "stepSize": step_size, "gamma": gamma, "rates": rates})
out = {"torch": torch.__version__, "cases": cases}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(out, indent=1) + "\n")

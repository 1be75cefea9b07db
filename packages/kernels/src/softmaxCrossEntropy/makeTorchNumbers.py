"""torch's CrossEntropyLoss and its gradient, for softmaxCrossEntropy.test.ts: python3 makeTorchNumbers.py > torch.json"""

import json
import torch

torch.manual_seed(0)
cases = []
for rows, classes in [(1, 2), (5, 2), (7, 3), (4, 10)]:
    for weighted in [False, True]:
        for smoothing in [0.0, 0.1]:
            logits = (torch.randn(rows, classes) * 3).requires_grad_()
            labels = torch.randint(0, classes, (rows,))
            weights = torch.rand(classes) + 0.25 if weighted else None
            loss = torch.nn.CrossEntropyLoss(weight=weights, label_smoothing=smoothing)(logits, labels)
            loss.backward()
            cases.append(
                dict(
                    rows=rows,
                    classes=classes,
                    labelSmoothing=smoothing,
                    logits=logits.detach().flatten().tolist(),
                    labels=labels.tolist(),
                    weights=weights.tolist() if weighted else None,
                    loss=loss.item(),
                    dlogits=logits.grad.flatten().tolist(),
                )
            )
print(json.dumps(dict(torch=torch.__version__, cases=cases)))

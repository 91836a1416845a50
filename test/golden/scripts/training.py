"""Writes test/golden/training.json: a small linear regression trained by PyTorch's optimizers.

    python -P test/golden/scripts/training.py > test/golden/training.json

(-P: else torch would take statistics.py beside this file for the standard library's.)

loss = mean((x W + b - t)²); x, t: the same batch each step. Made with torch 2.15.0, float32, one thread.
"""
import json

import torch

torch.set_num_threads(1)
torch.manual_seed(0)
ROWS, IN, OUT, STEPS = 6, 5, 3, 12
x, t = torch.randn(ROWS, IN), torch.randn(ROWS, OUT)
weight, bias = torch.randn(IN, OUT), torch.randn(OUT)


def train(make, clip=None):
    w, b = weight.clone().requires_grad_(), bias.clone().requires_grad_()
    optimizer = make([{"params": [w]}, {"params": [b], "weight_decay": 0.0}])
    losses = []
    for step in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] = 0.05 / (1 + step)
        loss = ((x @ w + b - t) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        if clip is not None:
            torch.nn.utils.clip_grad_norm_([w, b], clip)
        optimizer.step()
        losses.append(loss.item())
    return {"losses": losses, "weight": w.detach().flatten().tolist(), "bias": b.detach().tolist()}


print(
    json.dumps(
        {
            "rows": ROWS,
            "in": IN,
            "out": OUT,
            "x": x.flatten().tolist(),
            "t": t.flatten().tolist(),
            "weight": weight.flatten().tolist(),
            "bias": bias.tolist(),
            "cases": {
                "adamw": train(lambda groups: torch.optim.AdamW(groups, weight_decay=0.3, betas=(0.8, 0.95), eps=1e-6)),
                "adamw clipped": train(lambda groups: torch.optim.AdamW(groups, weight_decay=0.01), clip=0.5),
                "sgd": train(lambda groups: torch.optim.SGD(groups, lr=0.05)),
                "sgd momentum": train(lambda groups: torch.optim.SGD(groups, lr=0.05, momentum=0.9, weight_decay=0.2)),
                "sgd nesterov": train(
                    lambda groups: torch.optim.SGD(groups, lr=0.05, momentum=0.7, nesterov=True), clip=0.3
                ),
            },
        }
    )
)

"""Writes test/golden/fisher.json: what PyTorch's gradients say about weights and about heads and neurons.

    python test/golden/scripts/fisher.py        with torch 2.15, in float64

The models are those of transformers.py beside it. For each example by itself: the loss is the mean next-token cross-entropy
(gpt) or that of the class (bert); `units` holds dL/dm of a mask of ones on what each head and each neuron hands on, example
by example; `squares` and `products` are the sums over the examples of g² and |g w| of some weights.
"""
import json
import os
import sys
import torch
import torch.nn.functional as F

sys.path.insert(0, os.path.dirname(__file__))
import transformers as models

EXAMPLES = [dict(tokens=[3, 14, 15, 9, 26], label=1), dict(tokens=[5, 35, 8, 9, 7, 9, 3, 23], label=3), dict(tokens=[1, 2], label=0)]
SHOWN = ["layers.0.v.weight", "layers.1.up.weight"]
WIDTH, HIDDEN, HEADS, LAYERS = (models.CONFIG[key] for key in ("width", "hiddenWidth", "heads", "layers"))
made, masks = {}, {}
formula, plain = models.weight, models.linear


def weight(name, dims):
    if name not in made:
        made[name] = formula(name, dims).double().requires_grad_()
    return made[name]


def linear(x, name, dims):
    """Masks heads before o, neurons before down."""
    role = name.split(".")[-1]
    if role == "o":
        mask = masks.setdefault(name, torch.ones(HEADS, dtype=torch.float64, requires_grad=True))
        x = (x.unflatten(-1, (HEADS, -1)) * mask[:, None]).flatten(-2)
    if role == "down":
        x = x * masks.setdefault(name, torch.ones(HIDDEN, dtype=torch.float64, requires_grad=True))
    return plain(x, name, dims)


models.weight, models.linear = weight, linear


def gpt_loss(tokens, label):
    return F.cross_entropy(models.gpt(tokens)[0, :-1], tokens[0, 1:])


def bert_loss(tokens, label):
    return F.cross_entropy(models.bert(tokens, torch.ones_like(tokens)), torch.tensor([label]))


def digits(values):
    return [float(f"{value:.7g}") for value in values.flatten().tolist()]


def scores(loss):
    made.clear(), masks.clear()
    units, squares, products = [], {}, {}
    for example in EXAMPLES:
        for tensor in [*made.values(), *masks.values()]:
            tensor.grad = None
        loss(torch.tensor([example["tokens"]]), example["label"]).backward()
        units.append({name: digits(mask.grad) for name, mask in masks.items()})
        for name in SHOWN:
            gradient = made[name].grad
            squares[name] = squares.get(name, 0) + gradient**2
            products[name] = products.get(name, 0) + (gradient * made[name].detach()).abs()
    return dict(
        units=units,
        squares={name: digits(value) for name, value in squares.items()},
        products={name: digits(value) for name, value in products.items()},
    )


golden = dict(config=models.CONFIG, classes=models.CLASSES, examples=EXAMPLES, gpt=scores(gpt_loss), bert=scores(bert_loss))
with open(os.path.join(os.path.dirname(__file__), "..", "fisher.json"), "w") as file:
    file.write(json.dumps(golden, separators=(",", ":")) + "\n")

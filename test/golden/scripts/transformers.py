"""Logits of small GPT-2- and BERT-style models by PyTorch. Run: python test/golden/scripts/transformers.py (torch 2).

Weights follow a formula of name and index that Python and JavaScript compute alike: see weight().
"""
import json
import math
import os
import torch
import torch.nn.functional as F

CONFIG = dict(width=24, hiddenWidth=40, layers=2, heads=3, vocabularySize=37, contextLength=19, normEpsilon=1e-5)
CLASSES = 4


def weight(name, dims):
    offset = sum(ord(c) * (i + 1) for i, c in enumerate(name))
    count = math.prod(dims)
    values = [((i * (i + 3) * 7919 + offset * 104729) % 10007) / 10007 - 0.5 for i in range(count)]
    if len(dims) == 1:
        scale, centre = 0.4, 1.0 if name.endswith("norm.weight") else 0.0
    else:
        scale, centre = (2.0 if name in ("embedding.weight", "positions.weight") else 3 / math.sqrt(dims[0])), 0.0
    return torch.tensor([centre + scale * v for v in values], dtype=torch.float64).to(torch.float32).reshape(dims)


def linear(x, name, dims):
    return F.linear(x, weight(name + ".weight", dims).T, weight(name + ".bias", dims[1:]))


def norm(x, name):
    w = CONFIG["width"]
    return F.layer_norm(x, (w,), weight(name + ".weight", [w]), weight(name + ".bias", [w]), CONFIG["normEpsilon"])


def attention(x, layer, **how):
    w, heads = CONFIG["width"], CONFIG["heads"]
    split = lambda role: linear(x, f"{layer}.{role}", [w, w]).unflatten(-1, (heads, w // heads)).transpose(1, 2)
    mixed = F.scaled_dot_product_attention(split("q"), split("k"), split("v"), **how)
    return linear(mixed.transpose(1, 2).flatten(2), f"{layer}.o", [w, w])


def feed_forward(x, layer, approximate):
    w, h = CONFIG["width"], CONFIG["hiddenWidth"]
    return linear(F.gelu(linear(x, f"{layer}.up", [w, h]), approximate=approximate), f"{layer}.down", [h, w])


def embed(tokens):
    table = weight("embedding.weight", [CONFIG["vocabularySize"], CONFIG["width"]])
    positions = weight("positions.weight", [CONFIG["contextLength"], CONFIG["width"]])
    return F.embedding(tokens, table) + positions[: tokens.shape[1]]


def gpt(tokens):
    x = embed(tokens)
    for i in range(CONFIG["layers"]):
        layer = f"layers.{i}"
        x = x + attention(norm(x, f"{layer}.attention.norm"), layer, is_causal=True)
        x = x + feed_forward(norm(x, f"{layer}.feed_forward.norm"), layer, "tanh")
    return norm(x, "final.norm") @ weight("embedding.weight", [CONFIG["vocabularySize"], CONFIG["width"]]).T


def bert(tokens, mask):
    x = norm(embed(tokens), "embedding.norm")
    visible = mask.bool()[:, None, None, :]
    for i in range(CONFIG["layers"]):
        layer = f"layers.{i}"
        x = norm(x + attention(x, layer, attn_mask=visible), f"{layer}.attention.norm")
        x = norm(x + feed_forward(x, layer, "none"), f"{layer}.feed_forward.norm")
    w = CONFIG["width"]
    return linear(torch.tanh(linear(x[:, 0], "pooler", [w, w])), "classifier", [w, CLASSES])


def main():
    tokens = torch.tensor([[(7 * r + 11 * i + 3) % CONFIG["vocabularySize"] for i in range(9)] for r in range(2)])
    mask = torch.tensor([[1] * 9, [1] * 6 + [0] * 3])
    with torch.no_grad():
        out = dict(
            config=CONFIG,
            classes=CLASSES,
            tokens=tokens.tolist(),
            mask=mask.tolist(),
            gpt=[round(v, 6) for v in gpt(tokens).flatten().tolist()],
            bert=[round(v, 6) for v in bert(tokens, mask).flatten().tolist()],
        )
    path = os.path.join(os.path.dirname(__file__), "..", "transformers.json")
    with open(path, "w") as file:
        file.write(json.dumps(out) + "\n")


if __name__ == "__main__":
    main()

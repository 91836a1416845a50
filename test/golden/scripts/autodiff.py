"""Gradients of a two-layer encoder and decoder by PyTorch, and the same models as torch exports them.

    PYTHONPATH=<onnxscript> python autodiff.py <test/golden>      with torch 2.15, onnx 1.23, onnxscript 0.7.2

Writes autodiff-{encoder,decoder}.json (loss and gradients of every parameter in float64) and
autodiff-{encoder,decoder}-{script-17,dynamo-21}.onnx (float32, logits as output). Parameter p of index k holds at
position i the value of `weight(k, i)`, so the files that use it need not store weights.
"""
import json, math, sys
import onnx, torch
from torch import nn
import torch.nn.functional as F

OUT = sys.argv[1]
VOCABULARY, WIDTH, HIDDEN, HEADS, LAYERS, LENGTH, CLASSES = 11, 8, 16, 2, 2, 5, 3
IDS = [[3, 1, 4, 1, 5], [9, 2, 6, 5, 3]]
MASK = [[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]]
LABELS = [2, 0]
NEXT = [[1, 4, 1, 5, 9], [2, 6, 5, 3, 5]]


def weight(k, i):
    """Uniform in [-0.5, 0.5): 32-bit multiplicative hash."""
    h = (i * 2654435761 + (k + 1) * 40503 * 65537) & 0xFFFFFFFF
    h ^= h >> 15
    h = (h * 2246822519) & 0xFFFFFFFF
    h ^= h >> 13
    return h / 2**32 - 0.5


def fill(model):
    for k, (name, p) in enumerate(model.named_parameters()):
        values = torch.tensor([weight(k, i) for i in range(p.numel())], dtype=torch.float64)
        norm = name.endswith("norm.weight")
        p.data = (values * (0.5 if norm else 1.0) + (1.0 if norm else 0.0)).float().to(p.dtype).reshape(p.shape)
    return model


class EncoderLayer(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k, self.v, self.o = (nn.Linear(WIDTH, WIDTH) for _ in range(4))
        self.attention_norm = nn.LayerNorm(WIDTH, eps=1e-12)
        self.up, self.down = nn.Linear(WIDTH, HIDDEN), nn.Linear(HIDDEN, WIDTH)
        self.output_norm = nn.LayerNorm(WIDTH, eps=1e-12)

    def forward(self, x, bias):
        b, t, _ = x.shape
        q, k, v = (f(x).view(b, t, HEADS, WIDTH // HEADS).transpose(1, 2) for f in (self.q, self.k, self.v))
        p = torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(WIDTH // HEADS) + bias, -1)
        x = self.attention_norm(x + self.o((p @ v).transpose(1, 2).reshape(b, t, WIDTH)))
        return self.output_norm(x + self.down(F.gelu(self.up(x))))


class Encoder(nn.Module):
    """BERT: post-norm, exact GELU, learned positions, padding mask, tanh pooler over the first token."""
    def __init__(self):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(VOCABULARY, WIDTH), nn.Embedding(LENGTH, WIDTH)
        self.embedding_norm = nn.LayerNorm(WIDTH, eps=1e-12)
        self.layers = nn.ModuleList(EncoderLayer() for _ in range(LAYERS))
        self.pooler, self.classifier = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, CLASSES)

    def forward(self, ids, mask):
        x = self.embedding_norm(self.tokens(ids) + self.positions(torch.arange(ids.shape[1])))
        bias = (1.0 - mask[:, None, None, :].to(x.dtype)) * -10000.0
        for layer in self.layers:
            x = layer(x, bias)
        return self.classifier(torch.tanh(self.pooler(x[:, 0])))


class DecoderLayer(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention_norm = nn.LayerNorm(WIDTH)
        self.qkv, self.o = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.feed_norm = nn.LayerNorm(WIDTH)
        self.up, self.down = nn.Linear(WIDTH, HIDDEN), nn.Linear(HIDDEN, WIDTH)

    def forward(self, x):
        b, t, _ = x.shape
        q, k, v = (y.view(b, t, HEADS, WIDTH // HEADS).transpose(1, 2) for y in self.qkv(self.attention_norm(x)).split(WIDTH, 2))
        s = q @ k.transpose(-1, -2) / math.sqrt(WIDTH // HEADS)
        s = s.masked_fill(torch.ones(t, t, dtype=torch.bool).tril().logical_not(), -1e9)
        x = x + self.o((torch.softmax(s, -1) @ v).transpose(1, 2).reshape(b, t, WIDTH))
        return x + self.down(F.gelu(self.up(self.feed_norm(x)), approximate="tanh"))


class Decoder(nn.Module):
    """GPT-2: pre-norm, tanh GELU, learned positions, one matrix for q, k and v, output layer tied to the embedding."""
    def __init__(self):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(VOCABULARY, WIDTH), nn.Embedding(LENGTH, WIDTH)
        self.layers = nn.ModuleList(DecoderLayer() for _ in range(LAYERS))
        self.final_norm = nn.LayerNorm(WIDTH)

    def forward(self, ids):
        x = self.tokens(ids) + self.positions(torch.arange(ids.shape[1]))
        for layer in self.layers:
            x = layer(x)
        return self.final_norm(x) @ self.tokens.weight.T


def strip(path):
    """Without the exporter's notes, which are most of the file and name the machine's folders."""
    model = onnx.load(path)
    del model.metadata_props[:], model.graph.value_info[:], model.graph.metadata_props[:]
    for part in [*model.graph.node, *model.graph.input, *model.graph.output, *model.graph.initializer]:
        del part.metadata_props[:]
        part.doc_string = ""
    onnx.save(model, path)


ids, mask = torch.tensor(IDS), torch.tensor(MASK)
for name, make, args, labels in (("encoder", Encoder, (ids, mask), LABELS), ("decoder", Decoder, (ids,), NEXT)):
    model = fill(make().double())
    logits = model(*args)
    loss = F.cross_entropy(logits.reshape(-1, logits.shape[-1]), torch.tensor(labels).reshape(-1))
    loss.backward()
    golden = {
        "ids": IDS, **({"mask": MASK} if name == "encoder" else {}), "labels": labels, "loss": loss.item(),
        "parameters": [
            {"name": n, "dims": list(p.shape), "gradient": [float(f"{g:.7g}") for g in p.grad.flatten().tolist()]}
            for n, p in model.named_parameters()
        ],
    }
    with open(f"{OUT}/autodiff-{name}.json", "w") as file:
        file.write(json.dumps(golden, separators=(",", ":")).replace('{"name"', '\n{"name"') + "\n")
    model = fill(make()).eval()
    names = ["ids", "mask"][: len(args)]
    torch.onnx.export(model, args, f"{OUT}/autodiff-{name}-script-17.onnx", input_names=names, output_names=["logits"],
                      opset_version=17, dynamo=False, dynamic_axes={n: {0: "batch", 1: "length"} for n in names})
    torch.onnx.export(model, args, f"{OUT}/autodiff-{name}-dynamo-21.onnx", input_names=names, output_names=["logits"],
                      opset_version=21, dynamo=True, external_data=False,
                      dynamic_shapes=tuple({0: torch.export.Dim.AUTO, 1: torch.export.Dim.AUTO} for _ in args))
    for exporter in ("script-17", "dynamo-21"):
        strip(f"{OUT}/autodiff-{name}-{exporter}.onnx")

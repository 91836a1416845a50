"""PyTorch's side of bench-training.ts: one JSON command per line in, milliseconds per step or GFLOP/s out."""
import json
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.o = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        batch, sequence, width = x.shape
        parts = self.qkv(self.norm1(x)).split(width, dim=2)
        q, k, v = (part.view(batch, sequence, self.heads, -1).transpose(1, 2) for part in parts)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.o(mixed.transpose(1, 2).reshape(batch, sequence, width))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class Decoder(nn.Module):
    def __init__(self, layers, width, heads, vocabulary, sequence):
        super().__init__()
        self.embedding, self.position = nn.Embedding(vocabulary, width), nn.Embedding(sequence, width)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        nn.init.normal_(self.embedding.weight, std=0.02)

    def forward(self, ids):
        x = self.embedding(ids) + self.position.weight
        for block in self.blocks:
            x = block(x)
        return self.norm(x) @ self.embedding.weight.T


def run(layers, width, heads, vocabularySize, batch, sequence, steps, threads, learningRate):
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    model = Decoder(layers, width, heads, vocabularySize, sequence)
    optimizer = torch.optim.AdamW(model.parameters(), lr=learningRate, weight_decay=0.01)
    ids = torch.randint(vocabularySize, (batch, sequence))
    targets = torch.randint(vocabularySize, (batch, sequence))
    times, cpu_times = [], []
    for step in range(steps):
        started, cpu_started = time.perf_counter(), time.process_time()
        loss = F.cross_entropy(model(ids).flatten(0, 1), targets.flatten())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        times.append((time.perf_counter() - started) * 1000)
        cpu_times.append((time.process_time() - cpu_started) * 1000)
    # As on the other side: the fastest mean over eight steps, the first eight apart.
    def best(of):
        return min(sum(of[at : at + 8]) / 8 for at in range(8, steps, 8))

    return {"ms": best(times), "cpuMs": best(cpu_times), "loss": loss.item(), "version": f"torch {torch.__version__}"}


def product_speed(product, threads):
    """GFLOP/s of one large product, the fastest of several."""
    torch.set_num_threads(threads)
    a, b = torch.randn(product, product), torch.randn(product, product)
    best = float("inf")
    for _ in range(20):
        started = time.perf_counter()
        a @ b
        best = min(best, time.perf_counter() - started)
    return {"gflops": 2 * product**3 / best / 1e9}


for line in sys.stdin:
    command = json.loads(line)
    print(json.dumps(product_speed(**command) if "product" in command else run(**command)), flush=True)

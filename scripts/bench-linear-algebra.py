"""GPTQ and SparseGPT on one linear layer in plain PyTorch, for scripts/bench-linear-algebra.ts.

The structure is that of https://github.com/IST-DASLab/gptq and https://github.com/IST-DASLab/sparsegpt: add_batch, then a
Cholesky factor of the inverse, then the column sweep with lazy updates. Reads one JSON command per line, answers with one.
"""

import json
import math
import sys
import time

import numpy
import torch

BLOCK_SIZE = 128
DAMPING = 0.01


def second_moment(inputs, batch_rows):
    columns = inputs.shape[1]
    hessian = torch.zeros((columns, columns))
    seen = 0
    for start in range(0, inputs.shape[0], batch_rows):
        batch = inputs[start : start + batch_rows].t()
        hessian *= seen / (seen + 1)
        seen += 1
        batch = math.sqrt(2 / seen) * batch.float()
        hessian += batch.matmul(batch.t())
    return hessian


def inverse_factor(hessian, weight):
    hessian = hessian.clone()
    dead = torch.diag(hessian) == 0
    hessian[dead, dead] = 1
    weight[:, dead] = 0
    damp = DAMPING * torch.mean(torch.diag(hessian))
    diagonal = torch.arange(hessian.shape[0])
    hessian[diagonal, diagonal] += damp
    hessian = torch.linalg.cholesky(hessian)
    hessian = torch.cholesky_inverse(hessian)
    return torch.linalg.cholesky(hessian, upper=True)


def find_params(x, maxq):
    zeros = torch.zeros(x.shape[0])
    low = torch.minimum(x.min(1)[0], zeros)
    high = torch.maximum(x.max(1)[0], zeros)
    empty = (low == 0) & (high == 0)
    low[empty] = -1
    high[empty] = 1
    scale = (high - low) / maxq
    return scale.unsqueeze(1), torch.round(-low / scale).unsqueeze(1)


def quantize(x, scale, zero, maxq):
    q = torch.clamp(torch.round(x / scale) + zero, 0, maxq)
    return scale * (q - zero)


def gptq_sweep(weight, inverse, bits, group_size):
    maxq = torch.tensor(2**bits - 1)
    columns = weight.shape[1]
    quantized = torch.zeros_like(weight)
    for first in range(0, columns, BLOCK_SIZE):
        end = min(first + BLOCK_SIZE, columns)
        count = end - first
        block = weight[:, first:end].clone()
        settled = torch.zeros_like(block)
        errors = torch.zeros_like(block)
        block_inverse = inverse[first:end, first:end]
        for i in range(count):
            w = block[:, i]
            d = block_inverse[i, i]
            if (first + i) % group_size == 0:
                scale, zero = find_params(weight[:, (first + i) : (first + i + group_size)], maxq)
            q = quantize(w.unsqueeze(1), scale, zero, maxq).flatten()
            settled[:, i] = q
            error = (w - q) / d
            block[:, i:] -= error.unsqueeze(1).matmul(block_inverse[i, i:].unsqueeze(0))
            errors[:, i] = error
        quantized[:, first:end] = settled
        weight[:, end:] -= errors.matmul(inverse[first:end, end:])
    return quantized


def sparsegpt_sweep(weight, inverse, sparsity, prunen, prunem):
    columns = weight.shape[1]
    for first in range(0, columns, BLOCK_SIZE):
        end = min(first + BLOCK_SIZE, columns)
        count = end - first
        block = weight[:, first:end].clone()
        settled = torch.zeros_like(block)
        errors = torch.zeros_like(block)
        block_inverse = inverse[first:end, first:end]
        if prunen == 0:
            scores = block**2 / (torch.diag(block_inverse).reshape((1, -1))) ** 2
            threshold = torch.sort(scores.flatten())[0][int(scores.numel() * sparsity)]
            mask = scores <= threshold
        else:
            mask = torch.zeros_like(block) == 1
        for i in range(count):
            w = block[:, i]
            d = block_inverse[i, i]
            if prunen != 0 and i % prunem == 0:
                scores = block[:, i : (i + prunem)] ** 2 / (torch.diag(block_inverse)[i : (i + prunem)].reshape((1, -1))) ** 2
                mask.scatter_(1, i + torch.topk(scores, prunen, dim=1, largest=False)[1], True)
            q = w.clone()
            q[mask[:, i]] = 0
            settled[:, i] = q
            error = (w - q) / d
            block[:, i:] -= error.unsqueeze(1).matmul(block_inverse[i, i:].unsqueeze(0))
            errors[:, i] = error
        weight[:, first:end] = settled
        weight[:, end:] -= errors.matmul(inverse[first:end, end:])
    return weight


def run(command):
    started_cpu = time.process_time()
    started = time.perf_counter()
    hessian = second_moment(inputs, command["batchRows"])
    moments_done = time.perf_counter()
    weight = dense.clone()
    inverse = inverse_factor(hessian, weight)
    factor_done = time.perf_counter()
    if command["method"] == "gptq":
        result = gptq_sweep(weight, inverse, command["bits"], command["groupSize"])
    else:
        result = sparsegpt_sweep(weight, inverse, command["sparsity"], command["prunen"], command["prunem"])
    finished = time.perf_counter()
    cpu_seconds = time.process_time() - started_cpu
    result.t().contiguous().numpy().tofile(command["result"])
    return {
        "momentsMs": 1e3 * (moments_done - started),
        "factorMs": 1e3 * (factor_done - moments_done),
        "sweepMs": 1e3 * (finished - factor_done),
        "cpuMs": 1e3 * cpu_seconds,
    }


for line in sys.stdin:
    command = json.loads(line)
    with torch.no_grad():
        if command["do"] == "load":
            torch.set_num_threads(command["threads"])
            shape = (command["inFeatures"], command["outFeatures"])
            inputs = torch.from_numpy(numpy.fromfile(command["inputs"], numpy.float32).reshape(-1, shape[0]))
            # Ours is [in, out]; the papers' is [out, in].
            dense = torch.from_numpy(numpy.fromfile(command["weight"], numpy.float32).reshape(shape)).t().contiguous()
            answer = {"torch": torch.__version__, "threads": torch.get_num_threads()}
        else:
            answer = run(command)
    print(json.dumps(answer), flush=True)

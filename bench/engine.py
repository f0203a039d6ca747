"""The PyTorch side of bench/engine.ts: the same transformer step, timed on request.

Reads commands from standard input, one a line, and answers each with one JSON line:
  load DIR   builds the model from DIR/model.json and DIR/parameters.bin
  eager | fused   runs one step with attention written out, or with scaled_dot_product_attention
"""

import json
import sys
import time

import numpy
import torch
from torch.nn import functional as F


def load(folder):
    with open(f"{folder}/model.json") as file:
        model = json.load(file)
    flat = numpy.fromfile(f"{folder}/parameters.bin", dtype=numpy.float32)
    parameters, at = {}, 0
    for name, shape in model["parameters"]:
        size = int(numpy.prod(shape))
        values = torch.from_numpy(flat[at : at + size].reshape(shape).copy())
        parameters[name] = values.requires_grad_(True)
        at += size
    torch.set_num_threads(model["threads"])
    tokens = torch.tensor(model["tokens"]).reshape(model["batch"], model["length"] + 1)
    head = model["width"] // model["heads"]
    frequencies = model["theta"] ** (-torch.arange(0, head, 2) / head)
    angles = torch.arange(model["length"])[:, None] * torch.cat([frequencies, frequencies])[None, :]
    return model, parameters, tokens, angles.cos(), angles.sin()


def rotate(x, cos, sin):
    half = x.shape[-1] // 2
    return x * cos + torch.cat([-x[..., half:], x[..., :half]], -1) * sin


def loss_of(state, fused):
    model, p, tokens, cos, sin = state
    batch, length, width, heads = (model[k] for k in ("batch", "length", "width", "heads"))
    inputs, targets = tokens[:, :-1], tokens[:, 1:]
    mask = torch.ones(length, length, dtype=torch.bool).tril()
    x = F.embedding(inputs, p["embedding"])
    for i in range(model["layers"]):
        h = F.rms_norm(x, (width,), p[f"{i}.norm1"], 1e-6)
        q, k, v = (
            F.linear(h, p[f"{i}.{name}"]).view(batch, length, heads, -1).transpose(1, 2) for name in "qkv"
        )
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        if fused:
            o = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        else:
            scores = q @ k.transpose(-1, -2) * (width // heads) ** -0.5
            o = torch.where(mask, scores, -1e9).softmax(-1) @ v
        x = x + F.linear(o.transpose(1, 2).reshape(batch, length, width), p[f"{i}.o"])
        h = F.rms_norm(x, (width,), p[f"{i}.norm2"], 1e-6)
        x = x + F.linear(F.silu(F.linear(h, p[f"{i}.gate"])) * F.linear(h, p[f"{i}.up"]), p[f"{i}.down"])
    x = F.rms_norm(x, (width,), p["norm"], 1e-6)
    logits = F.linear(x, p["head"])
    return F.cross_entropy(logits.view(-1, logits.shape[-1]), targets.reshape(-1))


def step(state, fused):
    for parameter in state[1].values():
        parameter.grad = None
    start = time.perf_counter()
    loss = loss_of(state, fused)
    loss.backward()
    seconds = time.perf_counter() - start
    square = sum(float(parameter.grad.double().square().sum()) for parameter in state[1].values())
    return {"seconds": seconds, "loss": loss.item(), "gradientNorm": square**0.5}


def main():
    state = None
    for line in sys.stdin:
        command, *rest = line.split()
        if command == "load":
            state = load(rest[0])
            answer = {"torch": torch.__version__}
        else:
            answer = step(state, command == "fused")
        print(json.dumps(answer), flush=True)


main()

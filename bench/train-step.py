"""The peer of bench/train-step.ts: the same checkpoint and batch in transformers, one step per line of input."""

import json
import sys
import time

import numpy
import torch
from transformers import Qwen2_5_VLForConditionalGeneration

torch.set_num_threads(int(sys.argv[2]))
folder = sys.argv[1]
about = json.load(open(f"{folder}/batch.json"))


def load(name, dtype, shape):
    return torch.from_numpy(numpy.fromfile(f"{folder}/{name}.bin", dtype=dtype).reshape(shape))


model = Qwen2_5_VLForConditionalGeneration.from_pretrained(folder, dtype=torch.float32)
model.train()
groups = [
    {"params": [p for p in model.parameters() if p.ndim >= 2], "weight_decay": about["weightDecay"]},
    {"params": [p for p in model.parameters() if p.ndim < 2], "weight_decay": 0.0},
]
optimiser = torch.optim.AdamW(groups, lr=about["learningRate"])

ids = load("ids", "int32", about["shape"]).long()
labels = load("labels", "int32", about["shape"]).long()
pixels = load("pixels", "float32", (-1, about["patch"]))
grids = torch.tensor(about["grids"])
mask = torch.ones_like(ids)
seconds = torch.ones(len(grids))

for line in sys.stdin:
    begin = time.perf_counter()
    loss = model(
        input_ids=ids, attention_mask=mask, labels=labels, pixel_values_videos=pixels,
        video_grid_thw=grids, second_per_grid_ts=seconds,
    ).loss
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimiser.step()
    optimiser.zero_grad()
    print(json.dumps({"loss": loss.item(), "seconds": time.perf_counter() - begin}), flush=True)

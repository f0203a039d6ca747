"""Run by measure-merge.ts: PEFT merges an adapter and saves the model; then what both made is compared, tensor by tensor."""

import pathlib
import resource
import sys
import time

START = time.perf_counter()
import torch
from peft import PeftModel
from safetensors import safe_open
from transformers import Qwen2_5_VLForConditionalGeneration

base, adapter, out, ours = sys.argv[1:]
model = Qwen2_5_VLForConditionalGeneration.from_pretrained(base, dtype=torch.bfloat16)
PeftModel.from_pretrained(model, adapter).merge_and_unload().save_pretrained(out)
seconds = time.perf_counter() - START
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
del model


def tensors(folder):
    return {name: path for path in sorted(pathlib.Path(folder).glob("*.safetensors")) for name in safe_open(path, "pt").keys()}


mine, theirs = tensors(ours), tensors(out)
assert mine.keys() == theirs.keys(), mine.keys() ^ theirs.keys()
for name in mine:
    with safe_open(mine[name], "pt") as one, safe_open(theirs[name], "pt") as other:
        assert torch.equal(one.get_tensor(name), other.get_tensor(name)), name
print(f"{seconds:.2f} s, peak {peak}", file=sys.stderr)

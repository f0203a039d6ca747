"""Decoding speed of transformers on a checkpoint: the reference of bench/generate.ts. Prints one JSON line."""

import json
import sys
import time

import torch
from transformers import Qwen2_5_VLForConditionalGeneration

directory, threads, tokens, cases = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), json.loads(sys.argv[4])
torch.set_num_threads(threads)
model = Qwen2_5_VLForConditionalGeneration.from_pretrained(directory, dtype=torch.float32).eval()


def generate(prompts, count):
    """Greedy tokens of equally long prompts, exactly `count` of each, and the seconds it took."""
    ids = torch.tensor(prompts)
    start = time.perf_counter()
    with torch.inference_mode():
        out = model.generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            do_sample=False,
            use_cache=True,
            min_new_tokens=count,
            max_new_tokens=count,
            pad_token_id=0,
        )
    return out[:, ids.shape[1] :].tolist(), time.perf_counter() - start


results = []
for prompts in cases:
    generate(prompts, 4)
    best, first = float("inf"), float("inf")
    for _ in range(3):
        first = min(first, generate(prompts, 1)[1])
        ids, seconds = generate(prompts, tokens + 1)
        best = min(best, seconds)
    results.append({"decodeSeconds": best - first, "prefillSeconds": first, "ids": ids})
import transformers

print(json.dumps({"results": results, "torch": torch.__version__, "transformers": transformers.__version__}))

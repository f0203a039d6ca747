"""The side of transformers in bench/generate.ts: reads one JSON request a line, answers one JSON line."""

import json
import sys
import time

import torch
import transformers
from transformers import Qwen2_5_VLForConditionalGeneration

directory, threads = sys.argv[1], int(sys.argv[2])
torch.set_num_threads(threads)
model = Qwen2_5_VLForConditionalGeneration.from_pretrained(directory, dtype=torch.float32).eval()


class Clock:
    """A stopping criterion that never stops and notes when each token was done."""

    def __init__(self):
        self.times = []

    def __call__(self, input_ids, scores, **_):
        self.times.append(time.perf_counter())
        return torch.zeros(input_ids.shape[0], dtype=torch.bool)


def generate(prompts, count):
    """Greedy tokens of equally long prompts, exactly `count` of each, and the seconds after the first."""
    ids = torch.tensor(prompts)
    clock = Clock()
    with torch.inference_mode():
        out = model.generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            do_sample=False,
            use_cache=True,
            min_new_tokens=count,
            max_new_tokens=count,
            pad_token_id=0,
            stopping_criteria=[clock],
        )
    return {"ids": out[:, ids.shape[1] :].tolist(), "decodeSeconds": clock.times[-1] - clock.times[0]}


print(json.dumps({"torch": torch.__version__, "transformers": transformers.__version__}), flush=True)
for line in sys.stdin:
    request = json.loads(line)
    print(json.dumps(generate(request["prompts"], request["tokens"])), flush=True)

"""The peer of bench/grpo.ts: a GRPO step in transformers as TRL writes it, one step per line of input."""

import copy
import json
import re
import sys
import time

import numpy
import torch
from transformers import AutoTokenizer, Qwen2_5_VLForConditionalGeneration

checkpoint, folder = sys.argv[1], sys.argv[2]
torch.set_num_threads(int(sys.argv[3]))
torch.manual_seed(0)
about = json.load(open(f"{folder}/batch.json"))
tokenizer = AutoTokenizer.from_pretrained(checkpoint)
policy = Qwen2_5_VLForConditionalGeneration.from_pretrained(checkpoint, dtype=torch.float32)
reference = copy.deepcopy(policy).eval().requires_grad_(False)
optimiser = torch.optim.AdamW(policy.parameters(), lr=about["learningRate"], weight_decay=0.0)

group, tokens = about["group"], about["tokens"]
prompts = torch.tensor(about["ids"])
count, length = prompts.shape
pixels = torch.from_numpy(numpy.fromfile(f"{folder}/pixels.bin", dtype="float32")).reshape(count, -1, about["patch"])
grids = torch.tensor([about["grid"]] * count)
pattern = re.compile(r"<think>.*?</think>\s*<answer>(.*?)</answer>", re.DOTALL)

# One prompt for each completion, as TRL repeats them.
ids = prompts.repeat_interleave(group, 0)
vision = {
    "pixel_values_videos": pixels.repeat_interleave(group, 0).reshape(-1, about["patch"]),
    "video_grid_thw": grids.repeat_interleave(group, 0),
    "second_per_grid_ts": torch.ones(count * group),
}


def log_probs(model, whole):
    logits = model(input_ids=whole, attention_mask=torch.ones_like(whole), **vision).logits
    logits = logits[:, length - 1 : -1]
    chosen = whole[:, length:].unsqueeze(-1)
    return logits.gather(-1, chosen).squeeze(-1) - torch.logsumexp(logits, -1)


def step():
    times = [time.perf_counter()]
    policy.eval()
    with torch.no_grad():
        whole = policy.generate(
            input_ids=ids, attention_mask=torch.ones_like(ids), **vision, do_sample=True, temperature=1.0, top_k=0,
            top_p=1.0, min_new_tokens=tokens, max_new_tokens=tokens, pad_token_id=0,
            suppress_tokens=[policy.config.video_token_id, policy.config.image_token_id],
        )
    policy.train()
    times.append(time.perf_counter())
    rewards = []
    for k, text in enumerate(tokenizer.batch_decode(whole[:, length:], skip_special_tokens=True)):
        found = pattern.fullmatch(text.strip())
        right = found is not None and found.group(1).strip().lower() == about["gold"]
        rewards.append(float(found is not None) + float(right) + 0.01 * (k % group))
    rewards = torch.tensor(rewards).reshape(count, group)
    advantages = ((rewards - rewards.mean(1, keepdim=True)) / (rewards.std(1, keepdim=True) + 1e-4)).reshape(-1, 1)
    times.append(time.perf_counter())
    with torch.no_grad():
        expected = log_probs(reference, whole)
    times.append(time.perf_counter())
    own = log_probs(policy, whole)
    ratio = torch.exp(own - own.detach())
    bounded = torch.clamp(ratio, 1 - about["epsilon"], 1 + about["epsilon"])
    gain = torch.min(ratio * advantages, bounded * advantages)
    kl = torch.exp(expected - own) - (expected - own) - 1
    loss = (about["beta"] * kl - gain).mean()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
    optimiser.step()
    optimiser.zero_grad()
    times.append(time.perf_counter())
    names = ["rollouts", "rewards", "reference", "update"]
    return {name: b - a for name, a, b in zip(names, times, times[1:])}


for line in sys.stdin:
    print(json.dumps(step()), flush=True)

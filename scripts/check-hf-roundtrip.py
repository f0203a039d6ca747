"""Checks from Python that what is saved here loads in transformers and peft without a key missing or left over, with the same
logits: checkpoints in one file, in shards and in 16 bits, an adapter, what `video-r2 merge` makes of both, and the model of
the package, asked about a real video, with its processor and the same greedy tokens.

    pip install torch torchvision transformers==4.57.6 peft safetensors
    python scripts/check-hf-roundtrip.py [directory with a config.json, default test/fixtures/qwen]

Prints the largest differences and exits 1 where one exceeds 1e-4 of the largest logit.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

import torch
import transformers
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoProcessor, Qwen2_5_VLForConditionalGeneration

transformers.logging.disable_progress_bar()
ROOT = pathlib.Path(__file__).parent.parent
source = sys.argv[1] if len(sys.argv) > 1 else ROOT / "test" / "fixtures" / "qwen"

with tempfile.TemporaryDirectory() as out:
    script = [ROOT / "node_modules" / ".bin" / "tsx", ROOT / "scripts" / "hf-roundtrip.ts", source, out]
    subprocess.run(script, check=True)
    computed = load_file(f"{out}/computed.safetensors")
    inputs = dict(
        input_ids=computed["ids"].long(), pixel_values_videos=computed["pixels"],
        video_grid_thw=computed["grid"].long(), second_per_grid_ts=torch.ones(1),
    )

    def load(path):
        model, report = Qwen2_5_VLForConditionalGeneration.from_pretrained(path, dtype=torch.float32, output_loading_info=True)
        return model.eval(), {k: v for k, v in report.items() if v}

    failed = False

    def tell(name, logits, expected, problems):
        global failed
        difference = (logits - expected).abs().max().item()
        largest = logits.abs().max().item()
        bad = bool(problems) or not difference < 1e-4 * largest
        failed |= bad
        print(f"{name}: largest difference {difference:.2e} of logits up to {largest:.2f}{' ' + str(problems) if problems else ''}{'  FAILED' if bad else ''}")

    for name, expected in [
        ("single", "single"), ("sharded", "single"), ("bfloat16", "bfloat16"), ("adapter", "adapter"),
        ("merged-sharded", "adapter"), ("merged-sharded", "merged-sharded"), ("merged-bfloat16", "merged-bfloat16"),
    ]:
        model, problems = load(f"{out}/{'single' if name == 'adapter' else name}")
        if name == "adapter":
            model = PeftModel.from_pretrained(model, f"{out}/adapter").eval()
            status = model.get_model_status()
            problems = {} if status.num_adapter_layers == 7 * model.config.num_hidden_layers else {"layers": status.num_adapter_layers}
        with torch.no_grad():
            tell(name, model(**inputs).logits, computed[expected], problems)

    asked, words = load_file(f"{out}/builtin.safetensors"), json.loads(pathlib.Path(f"{out}/builtin.json").read_text())
    model, problems = load(words["directory"])
    grid = asked["grid"].long()
    processor = AutoProcessor.from_pretrained(words["directory"], use_fast=True)
    user = [{"type": "video"}, {"type": "text", "text": words["text"]}]
    messages = [{"role": "system", "content": words["system"]}, {"role": "user", "content": user}]
    text = processor.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    tokens = int(grid.prod()) // 4
    ids = processor.tokenizer(text.replace("<|video_pad|>", "<|video_pad|>" * tokens), return_tensors="pt").input_ids
    if not torch.equal(ids, asked["ids"].long()):
        problems["prompt"] = "the processor writes other tokens"
    inputs = dict(
        input_ids=ids, attention_mask=torch.ones_like(ids), pixel_values_videos=asked["pixels"],
        video_grid_thw=grid, second_per_grid_ts=asked["seconds"][0],
    )
    with torch.no_grad():
        logits = model(**inputs).logits[:, -1]
        new = asked["chosen"].shape[1]
        chosen = model.generate(**inputs, do_sample=False, max_new_tokens=new, min_new_tokens=new)[:, ids.shape[1]:]
    if not torch.equal(chosen, asked["chosen"].long()):
        problems["generated"] = "other tokens"
    tell(f"builtin ({ids.shape[1]} tokens read, {new} generated)", logits, asked["logits"], problems)
sys.exit(failed)

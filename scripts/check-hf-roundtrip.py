"""Checks from Python that checkpoints and adapters saved here load in transformers and peft, with the same logits.

    pip install torch transformers==4.57.6 peft safetensors
    python scripts/check-hf-roundtrip.py [directory with a config.json, default test/fixtures/qwen]

Prints the largest differences and exits 1 where one exceeds 1e-4 of the largest logit.
"""

import pathlib
import subprocess
import sys
import tempfile

import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import Qwen2_5_VLForConditionalGeneration

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

    def load(name):
        model, report = Qwen2_5_VLForConditionalGeneration.from_pretrained(
            f"{out}/{name}", dtype=torch.float32, output_loading_info=True
        )
        problems = {k: v for k, v in report.items() if v and k != "error_msgs"}
        return model.eval(), problems

    failed = False
    for name, expected in [("single", "single"), ("sharded", "single"), ("bfloat16", "bfloat16"), ("adapter", "adapter")]:
        model, problems = load("single" if name == "adapter" else name)
        if name == "adapter":
            model = PeftModel.from_pretrained(model, f"{out}/adapter").eval()
            status = model.get_model_status()
            problems = {} if status.num_adapter_layers == 7 * model.config.num_hidden_layers else {"layers": status.num_adapter_layers}
        with torch.no_grad():
            logits = model(**inputs).logits
        difference = (logits - computed[expected]).abs().max().item()
        largest = logits.abs().max().item()
        bad = bool(problems) or not difference < 1e-4 * largest
        failed |= bad
        print(f"{name}: largest difference {difference:.2e} of logits up to {largest:.2f}{' ' + str(problems) if problems else ''}{'  FAILED' if bad else ''}")
sys.exit(failed)

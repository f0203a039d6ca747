"""Checks `video-r2 merge` against PEFT's own merge_and_unload on random Qwen2.5-VLs, for every kind of adapter that is
understood and every type of base, and that what is merged loads in transformers without a key missing or left over.

    pip install torch transformers==4.57.6 peft safetensors
    python scripts/check-peft-merge.py              # prints a table; exits 1 where bounds are exceeded
    python scripts/check-peft-merge.py --record     # writes test/fixtures/peft, which npm test checks

A difference is counted in units in the last place (ulp) of the base's type, where values are above 0.001 (of sums that
nearly cancel, an ulp is as small as one likes). Bounds are above 0 because processors may sum products in another order.
Of embeddings in 16 bits PEFT rounds the product before it adds it, and the sum again; what is rounded once is compared
with PEFT's merge in float32, rounded.
"""

import copy
import hashlib
import json
import pathlib
import subprocess
import sys
import tempfile
import warnings

import peft
import torch
import transformers
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

warnings.filterwarnings("ignore")
transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()
ROOT = pathlib.Path(__file__).parent.parent
TINY = ROOT / "test" / "fixtures" / "qwen"
OUT = ROOT / "test" / "fixtures" / "peft"
LANGUAGE = r".*language_model\.layers\..*\.(q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj)"
EVERYWHERE = r".*\.(q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj|qkv|proj|mlp\.0|mlp\.2)"
SETTINGS = {
    "language model": dict(r=8, lora_alpha=16, target_modules=LANGUAGE),
    "all linear layers": dict(r=4, lora_alpha=6, target_modules=EVERYWHERE, exclude_modules=r".*patch_embed.*"),
    "rank-stabilised": dict(r=3, lora_alpha=7, target_modules=LANGUAGE, use_rslora=True),
    "patterns": dict(r=4, lora_alpha=8, target_modules=LANGUAGE, rank_pattern={r"layers\.1\..*": 6, "q_proj": 2},
                     alpha_pattern={r"self_attn\.v_proj": 3, "down_proj": 24}),
    "all biases": dict(r=4, target_modules=LANGUAGE, bias="all"),
    "adapted biases": dict(r=4, target_modules=LANGUAGE, bias="lora_only"),
    "biases of B": dict(r=4, lora_alpha=12, target_modules=r".*language_model\.layers\..*\.(q_proj|v_proj)", lora_bias=True),
    "output saved": dict(r=4, target_modules=LANGUAGE, modules_to_save=["lm_head"]),
    "embeddings": dict(r=4, lora_alpha=8, target_modules=["q_proj", "embed_tokens", "lm_head"]),
}
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
BOUNDS = {"float32": 4, "bfloat16": 1, "float16": 1}


def base_model(tied, dtype, wide=False):
    config = Qwen2_5_VLConfig.from_pretrained(TINY)
    for part in (config, config.text_config):
        part.tie_word_embeddings = tied
        if wide:
            part.hidden_size, part.intermediate_size, part.num_hidden_layers = 1024, 5632, 1
            part.num_attention_heads, part.num_key_value_heads, part.layer_types = 8, 2, ["full_attention"]
            part.rope_scaling = {**part.rope_scaling, "mrope_section": [16, 24, 24]}
    if wide:
        config.vision_config.out_hidden_size = 1024
    torch.manual_seed(1)
    model = Qwen2_5_VLForConditionalGeneration(config)
    for parameter in model.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)
    return model.to(dtype).eval()


def make_adapter(model, settings, folder, draw, dtype=torch.float32):
    adapted = get_peft_model(copy.deepcopy(model), LoraConfig(**settings))
    adapted.save_pretrained(folder)
    path = pathlib.Path(folder) / "adapter_model.safetensors"
    generator = torch.Generator().manual_seed(2)
    save_file({name: draw(name, value.float(), generator).to(dtype).contiguous() for name, value in load_file(path).items()},
              path, metadata={"format": "pt"})


def trained(name, value, generator):
    noise = torch.randn(value.shape, generator=generator)
    return 0.1 * noise if "lora_" in name else value + 0.02 * noise


def merge(adapter, base, out, *flags):
    command = [ROOT / "node_modules" / ".bin" / "tsx", ROOT / "src" / "cli" / "main.ts", "merge", adapter, "--base", base, "--out", out]
    subprocess.run([*map(str, command), "--json", *flags], check=True, stdout=subprocess.DEVNULL)


def ulps(a, b):
    """Distance in representable numbers, of the type that both have."""
    integer = torch.int32 if a.dtype == torch.float32 else torch.int16
    bits = [x.contiguous().view(integer).to(torch.int64) for x in (a, b)]
    top = 1 << (31 if integer == torch.int32 else 15)
    ordered = [torch.where(x < 0, -(x + top), x) for x in bits]
    return (ordered[0] - ordered[1]).abs()


def logits(model):
    with torch.no_grad():
        return model(input_ids=torch.arange(1, 20).reshape(1, -1)).logits.float()


def check(name, settings, dtype, adapter_dtype="float32", wide=False):
    untied = "modules_to_save" in settings or "lm_head" in settings["target_modules"]
    model = base_model(not untied, DTYPES[dtype], wide)
    with tempfile.TemporaryDirectory() as work:
        model.save_pretrained(f"{work}/base", max_shard_size="60KB" if not wide else "20MB")
        make_adapter(model, settings, f"{work}/adapter", trained, DTYPES[adapter_dtype])
        merge(f"{work}/adapter", f"{work}/base", f"{work}/out", "--shard-size", "100KB" if not wide else "30MB")
        load = Qwen2_5_VLForConditionalGeneration.from_pretrained
        embeddings = "embed_tokens" in settings["target_modules"]
        expected = load(f"{work}/base", dtype=torch.float32 if embeddings else DTYPES[dtype])
        expected = PeftModel.from_pretrained(expected, f"{work}/adapter").merge_and_unload().eval()
        loaded, report = load(f"{work}/out", dtype=DTYPES[dtype], output_loading_info=True)
        loaded.eval()
    problems = {k: v for k, v in report.items() if v}
    got, wanted = loaded.state_dict(), expected.state_dict()
    assert got.keys() == wanted.keys()
    worst = differing = count = 0
    for key, value in wanted.items():
        value = value.to(got[key].dtype)
        distance = ulps(got[key], value)
        count += distance.numel()
        differing += int((distance > 0).sum())
        distance = distance[value.float().abs() > 1e-3]
        worst = max(worst, int(distance.max()) if distance.numel() else 0)
    ours, theirs = logits(loaded), logits(expected)
    off = float((ours - theirs).abs().max() / theirs.abs().max())
    bound = 1e-5 if dtype == "float32" or not embeddings else 2e-2
    bad = bool(problems) or worst > BOUNDS[dtype] or off > bound
    print(f"{name:18} {dtype:9} adapter {adapter_dtype:9} {differing:8} of {count:9} values differ, by at most {worst} ulp; "
          f"logits by {off:.1e} of the largest{' ' + str(problems) if problems else ''}{'  FAILED' if bad else ''}", flush=True)
    return bad


def coarse(name, value, generator):
    """Multiples of 1/64: their products and sums are exact in float32, in whatever order they are added."""
    steps = torch.randint(-64, 65, value.shape, generator=generator) / 64
    return steps if "lora_" in name else value + steps


def digests(model):
    return {name: hashlib.sha256(value.contiguous().view(torch.uint8).numpy().tobytes()).hexdigest()
            for name, value in model.state_dict().items() if name != "lm_head.weight"}


def record():
    settings = dict(r=4, lora_alpha=6, target_modules=EVERYWHERE, exclude_modules=r".*(patch_embed|blocks\.[12]).*", use_rslora=True,
                    rank_pattern={r"layers\.1\..*": 3}, alpha_pattern={r"self_attn\.v_proj": 5}, bias="lora_only")
    load = lambda dtype: Qwen2_5_VLForConditionalGeneration.from_pretrained(TINY, dtype=dtype).eval()
    make_adapter(load(torch.float32), settings, OUT, coarse)
    (OUT / "README.md").unlink()
    config = json.loads((OUT / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = "test/fixtures/qwen"
    (OUT / "adapter_config.json").write_text(json.dumps(config, indent=1) + "\n")
    merged = {}
    for name, dtype in DTYPES.items():
        merged[name] = digests(PeftModel.from_pretrained(load(dtype), OUT).merge_and_unload())
    versions = {"peft": peft.__version__, "torch": torch.__version__, "transformers": transformers.__version__}
    (OUT / "merged.json").write_text(json.dumps({"versions": versions, "sha256": merged}, indent=1) + "\n")


if "--record" in sys.argv:
    record()
    sys.exit()
failed = False
for name, settings in SETTINGS.items():
    for dtype in DTYPES:
        failed |= check(name, settings, dtype)
failed |= check("language model", SETTINGS["language model"], "bfloat16", "bfloat16")
for dtype in ("float32", "bfloat16"):
    failed |= check("5632 wide, r 64", dict(r=64, lora_alpha=64, target_modules=LANGUAGE), dtype, wide=True)
sys.exit(failed)

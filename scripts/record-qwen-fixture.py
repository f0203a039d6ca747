"""Records test/fixtures/qwen: what transformers and peft compute with a tiny random Qwen2.5-VL.

    pip install torch transformers==4.57.6 peft safetensors
    python scripts/record-qwen-fixture.py

Two prompts of different length, padded on the left: a video whose sides no window divides, and an image before
a video. Weights are spread wider than a fresh model's, so that every part of the network shows in the numbers.
"""

import json
import pathlib
import shutil

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import save_file
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

OUT = pathlib.Path(__file__).parent.parent / "test" / "fixtures" / "qwen"
IMAGE, VIDEO, START, END, PAD, EOS = 150, 151, 152, 153, 154, 155
VISION = dict(
    depth=3, hidden_size=32, intermediate_size=40, num_heads=2, patch_size=4, spatial_merge_size=2,
    temporal_patch_size=2, tokens_per_second=2, window_size=16, out_hidden_size=32, fullatt_block_indexes=[1],
)
TEXT = dict(
    vocab_size=160, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
    num_key_value_heads=2, rms_norm_eps=1e-6, rope_theta=1e6, max_position_embeddings=512,
    tie_word_embeddings=True, rope_scaling={"type": "mrope", "mrope_section": [1, 1, 2]},
    bos_token_id=None, eos_token_id=EOS, pad_token_id=PAD,
)
TOKENS = dict(image_token_id=IMAGE, video_token_id=VIDEO, vision_start_token_id=START, vision_end_token_id=END)
GRADIENTS = [
    "model.visual.patch_embed.proj.weight",
    "model.visual.blocks.0.norm1.weight",
    "model.visual.blocks.0.attn.qkv.weight",
    "model.visual.blocks.1.attn.qkv.bias",
    "model.visual.blocks.2.mlp.up_proj.weight",
    "model.visual.merger.ln_q.weight",
    "model.visual.merger.mlp.2.weight",
    "model.language_model.embed_tokens.weight",
    "model.language_model.layers.0.input_layernorm.weight",
    "model.language_model.layers.0.self_attn.k_proj.weight",
    "model.language_model.layers.0.self_attn.v_proj.bias",
    "model.language_model.layers.1.self_attn.o_proj.weight",
    "model.language_model.layers.1.mlp.gate_proj.weight",
    "model.language_model.norm.weight",
]
OPTIMISER = dict(lr=0.01, betas=(0.9, 0.95), eps=1e-3, weight_decay=0.1)


def prompts():
    """Token ids and labels, padded on the left, with the grids of their images and videos."""
    generator = torch.Generator().manual_seed(1)
    text = lambda n: torch.randint(0, 150, (n,), generator=generator).tolist()
    first = text(4) + [START] + [VIDEO] * 30 + [END] + text(13)
    second = text(3) + [START] + [IMAGE] * 8 + [END] + text(2) + [START] + [VIDEO] * 18 + [END] + text(6)
    rows, labels = [first, second], [[-100] * 40 + first[40:], [-100] * 36 + second[36:]]
    length = max(map(len, rows))
    pad = lambda row, value: [value] * (length - len(row)) + row
    return (
        torch.tensor([pad(row, PAD) for row in rows]),
        torch.tensor([pad(row, -100) for row in labels]),
        torch.tensor([[0] * (length - len(row)) + [1] * len(row) for row in rows]),
    )


def build():
    torch.manual_seed(0)
    config = Qwen2_5_VLConfig(**TEXT, vision_config=VISION, **TOKENS)
    model = Qwen2_5_VLForConditionalGeneration(config)
    model.set_attn_implementation("eager")
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("norm.weight") or "norm1" in name or "norm2" in name or "ln_q" in name:
                parameter.copy_(1 + 0.2 * torch.randn_like(parameter))
            elif name.endswith("bias"):
                parameter.normal_(std=0.1)
            else:
                parameter.normal_(std=parameter[0].numel() ** -0.5 if "embed_tokens" not in name else 0.3)
    return model


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    model = build().eval()
    model.save_pretrained(OUT)
    ids, labels, mask = prompts()
    generator = torch.Generator().manual_seed(2)
    image_grid, video_grid = torch.tensor([[1, 4, 8]]), torch.tensor([[2, 6, 10], [3, 4, 6]])
    patches = lambda grid: int(grid.prod(-1).sum())
    image = torch.randn(patches(image_grid), 96, generator=generator)
    video = torch.randn(patches(video_grid), 96, generator=generator)
    seconds = torch.tensor([2.0, 1.5])
    inputs = dict(
        input_ids=ids, attention_mask=mask, pixel_values=image, image_grid_thw=image_grid,
        pixel_values_videos=video, video_grid_thw=video_grid, second_per_grid_ts=seconds,
    )
    grids = {k: inputs[k] for k in ("image_grid_thw", "video_grid_thw", "second_per_grid_ts")}
    position_ids, deltas = model.model.get_rope_index(ids, attention_mask=mask, **grids)
    output = model(**inputs, labels=labels, output_attentions=True)
    output.loss.backward()
    parameters = dict(model.named_parameters())
    record = {
        "input_ids": ids, "labels": labels, "attention_mask": mask, "position_ids": position_ids,
        "rope_deltas": deltas, "pixel_values": image, "pixel_values_videos": video,
        "image_grid_thw": image_grid, "video_grid_thw": video_grid, "second_per_grid_ts": seconds,
        "video_output": torch.cat(model.model.get_video_features(video, video_grid)),
        "image_output": torch.cat(model.model.get_image_features(image, image_grid)),
        "logits": output.logits, "attention": output.attentions[-1][1:], "loss": output.loss[None],
    }
    record |= {f"grad.{name}": parameters[name].grad.clone() for name in GRADIENTS}
    with torch.no_grad():
        record["generated"] = model.generate(**inputs, max_new_tokens=12, do_sample=False)[:, ids.shape[1]:]

    # The adapter is recorded before the optimiser changes the model.
    torch.manual_seed(3)
    linears = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    targets = rf"model\.language_model\.layers\..*\.({'|'.join(linears)})"
    lora = LoraConfig(r=4, lora_alpha=8, lora_dropout=0.05, target_modules=targets)
    adapted = get_peft_model(build(), lora).eval()
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.2)
    adapted.save_pretrained(OUT / "adapter")
    output = adapted(**inputs, labels=labels)
    output.loss.backward()
    record["lora.logits"] = output.logits[:1]
    record["lora.loss"] = output.loss[None]
    for name, parameter in adapted.named_parameters():
        if "layers.1" in name and "lora_" in name and ("q_proj" in name or "down_proj" in name):
            record[f"lora.grad.{name}"] = parameter.grad.clone()

    # Three steps of AdamW on the same batch; as in Hugging Face's trainer, norms and biases do not decay.
    decays = lambda name, p: p.ndim >= 2
    groups = [
        {"params": [p for n, p in parameters.items() if decays(n, p)], "weight_decay": OPTIMISER["weight_decay"]},
        {"params": [p for n, p in parameters.items() if not decays(n, p)], "weight_decay": 0.0},
    ]
    optimiser = torch.optim.AdamW(groups, lr=OPTIMISER["lr"], betas=OPTIMISER["betas"], eps=OPTIMISER["eps"])
    losses, norms = [], []
    for _ in range(3):
        optimiser.zero_grad()
        loss = model(**inputs, labels=labels).loss
        loss.backward()
        norms.append(torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0))
        losses.append(loss)
        optimiser.step()
    record["adamw.losses"] = torch.stack(losses)
    record["adamw.norms"] = torch.stack(norms)
    record |= {f"adamw.{name}": parameters[name] for name in GRADIENTS if parameters[name].numel() < 3000}

    record = {k: v.detach().to(torch.int32 if v.dtype == torch.int64 else v.dtype).contiguous() for k, v in record.items()}
    save_file({k: v.clone() for k, v in record.items()}, OUT / "recorded.safetensors")
    about = {"torch": torch.__version__, "transformers": __import__("transformers").__version__,
             "peft": __import__("peft").__version__, "adamw": OPTIMISER, "max_grad_norm": 1.0}
    (OUT / "recorded.json").write_text(json.dumps(about, indent=2) + "\n")
    (OUT / "adapter" / "README.md").unlink(missing_ok=True)
    for path in OUT.rglob("*.safetensors"):
        path.chmod(0o644)


if __name__ == "__main__":
    main()

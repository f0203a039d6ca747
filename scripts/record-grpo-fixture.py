"""Records test/fixtures/grpo.json: losses and their gradients as TRL's GRPOTrainer computes them from given
log-probabilities, for every loss and level of importance sampling that it shares with us.

    pip install trl==1.16.0 transformers==4.57.6 torch
    python scripts/record-grpo-fixture.py
"""

import json
import pathlib
import types

import torch
import transformers
import trl
from trl import GRPOTrainer

OUT = pathlib.Path(__file__).parent.parent / "test" / "fixtures" / "grpo.json"
ROWS, TOKENS, MAX_NEW_TOKENS, BETA, LOW, HIGH = 6, 7, 9, 0.04, 0.2, 0.28


class Metrics(dict):
    def __missing__(self, key):
        self[key] = []
        return self[key]


def record(loss_type, level, given, with_old, beta):
    log_probs = given["logProbs"].clone().requires_grad_()
    accelerator = types.SimpleNamespace(num_processes=1, gather=lambda x: x.detach().reshape(-1))
    accelerator.gather_for_metrics = accelerator.gather
    accelerator.reduce = lambda x, reduction: x
    metrics = {"train": Metrics(), "eval": Metrics()}
    trainer = types.SimpleNamespace(
        _get_per_token_logps_and_entropies=lambda *a, **k: (log_probs, torch.zeros_like(log_probs), None),
        top_entropy_quantile=1.0, off_policy_mask_threshold=None, importance_sampling_level=level, beta=beta,
        loss_type=loss_type, epsilon_low=LOW, epsilon_high=HIGH, use_vllm=False, aux_loss_enabled=False,
        max_completion_length=MAX_NEW_TOKENS, current_gradient_accumulation_steps=1, accelerator=accelerator,
        _metrics=metrics, _entropy_bonus_enabled=False, model=types.SimpleNamespace(training=True),
        args=types.SimpleNamespace(delta=None, use_bias_correction_kl=False, steps_per_generation=1),
    )
    mask = given["mask"]
    inputs = {
        "prompt_ids": torch.zeros(ROWS, 1, dtype=torch.long), "prompt_mask": torch.ones(ROWS, 1, dtype=torch.long),
        "completion_ids": torch.zeros(ROWS, TOKENS, dtype=torch.long), "completion_mask": mask,
        "advantages": given["advantages"], "ref_per_token_logps": given["reference"],
        "num_items_in_batch": mask.sum(),
        **({"old_per_token_logps": given["old"]} if with_old else {}),
    }
    loss = GRPOTrainer._compute_loss(trainer, None, inputs)
    loss.backward()
    known = {name: values[0] for name, values in metrics["train"].items()}
    name = "gspo" if level == "sequence" else loss_type
    found = {"lossType": name, "withOld": with_old, "beta": beta, "loss": loss.item(), "gradient": log_probs.grad.tolist()}
    for ours, theirs in [("kl", "kl"), ("clippedLow", "clip_ratio/low_mean"), ("clippedHigh", "clip_ratio/high_mean")]:
        if theirs in known:
            found[ours] = known[theirs]
    return found


def main():
    torch.manual_seed(0)
    random = lambda scale: torch.randn(ROWS, TOKENS) * scale
    log_probs = -torch.rand(ROWS, TOKENS) * 2
    given = {
        "logProbs": log_probs, "old": log_probs + random(0.3), "reference": log_probs + random(0.5),
        "advantages": torch.tensor([1.2, -0.7, 0.0, 0.4, -1.1, 0.2]),
        "mask": torch.tensor([[1.0] * n + [0.0] * (TOKENS - n) for n in (7, 3, 5, 1, 0, 6)]),
    }
    cases = [
        record(loss_type, level, given, with_old, beta)
        for loss_type, level in [("grpo", "token"), ("bnpo", "token"), ("dr_grpo", "token"), ("grpo", "sequence")]
        for with_old in (True, False)
        for beta in (0.0, BETA)
    ]
    recorded = {
        "versions": {"trl": trl.__version__, "transformers": transformers.__version__, "torch": torch.__version__},
        "maxNewTokens": MAX_NEW_TOKENS, "epsilonLow": LOW, "epsilonHigh": HIGH,
        "given": {name: value.tolist() for name, value in given.items()}, "cases": cases,
    }
    OUT.write_text(json.dumps(recorded) + "\n")
    print(f"{len(cases)} cases, {OUT.stat().st_size} bytes")


main()

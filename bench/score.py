"""The reference's rewards over rows of a JSONL file, its judge answering at once: rows per second.

python score.py REFERENCE/train ROWS.jsonl [MINILM_FOLDER|none]: the released reward functions, with `chat` replaced and,
for `none`, embeddings that cost nothing.
"""

import json
import sys
import time
import types

folder, path, embedder = sys.argv[1], sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else "none"
sys.path.insert(0, folder)

import torch  # noqa: E402

torch.set_num_threads(1)

if embedder != "none":
    # Before `openai` is replaced: transformers looks at which packages there are.
    from sentence_transformers import SentenceTransformer  # noqa: E402


class NoClient:
    def __init__(self, *args, **kwargs):
        pass


for name, attributes in {"openai": {"OpenAI": NoClient}}.items():
    module = types.ModuleType(name)
    for key, value in attributes.items():
        setattr(module, key, value)
    sys.modules[name] = module


class Unit:
    """Sentence vectors at no cost: one direction for every text."""

    def __init__(self, *args, **kwargs):
        pass

    def encode(self, texts):
        return torch.ones(len(texts), 4)


class Util:
    @staticmethod
    def cos_sim(a, b):
        a, b = torch.as_tensor(a).float().reshape(1, -1), torch.as_tensor(b).float().reshape(1, -1)
        return (a @ b.T) / (a.norm() * b.norm())


if embedder == "none":
    module = types.ModuleType("sentence_transformers")
    module.SentenceTransformer, module.util = Unit, Util
    sys.modules["sentence_transformers"] = module

from src.train import reward_funcs, temporal_grounding_reward  # noqa: E402

if embedder == "none":
    model = Unit()
else:
    model = SentenceTransformer(embedder, device="cpu")

rows = [json.loads(line) for line in open(path)]
replies = {id(row): json.dumps(row["claims"]) for row in rows}
current = {"claims": ""}
temporal_grounding_reward.chat = lambda *args, **kwargs: current["claims"]
reward_funcs.chat = lambda *args, **kwargs: "TRUE\nThey agree."


def score(row):
    current["claims"] = replies[id(row)]
    completion = [[{"content": row["output"]}]]
    gold = [{"content": f"<answer>{row['answer']}</answer>"}]
    prompt = [[{}, {"content": [{}, {"text": row["question"]}]}]]
    reward_funcs.accuracy_reward(completion, gold)
    reward_funcs.format_reward(completion)
    reward_funcs.temporal_grounding_sentence_embedding_consistency_reward(
        completion, gold, [row["temporal_grounding"]], model, 2, 0.75, prompts=prompt
    )


for row in rows[:50]:
    score(row)
begun = time.perf_counter()
for row in rows:
    score(row)
print(json.dumps({"rows": len(rows), "seconds": time.perf_counter() - begun}))

"""
Runs functions of the released code on cases and prints what they give. Used by scripts/parity-reference.ts:

    VIDEO_R2_REFERENCE=/path/to/checkout python test/parity/reference-runner.py < cases.jsonl > results.jsonl

The judge, the embedder and vLLM are replaced by stand-ins: a case holds the judge's replies, and the similarity
of two texts is a hash of them. Needs rouge_score and numpy.
"""

import ast
import contextlib
import io
import json
import os
import random
import re
import string
import sys
import tempfile
import types
from functools import partial
from pathlib import Path

import numpy as np

ROOT = Path(os.environ["VIDEO_R2_REFERENCE"])
TASKS = ROOT / "eval/lmms-eval/lmms_eval/tasks"
SCRIPTS = ROOT / "eval/scripts"
THRESHOLD_STEPS = 20


def similarity(a, b):
    value = 0x811C9DC5
    for byte in f"{a}\0{b}".encode("utf-8", "surrogatepass"):
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return (value % (THRESHOLD_STEPS + 1)) / THRESHOLD_STEPS


class Model:
    def encode(self, sentences):
        return list(sentences)


def stub(name, **attributes):
    module = types.ModuleType(name)
    module.__dict__.update(attributes)
    sys.modules[name] = module


class Client:
    def __init__(self, **_):
        pass


cosine = types.SimpleNamespace(cos_sim=lambda a, b: types.SimpleNamespace(item=lambda: similarity(a, b)))
# nltk, which rouge_score imports, can do without scipy, and starts much sooner.
sys.modules["scipy"] = None
stub("openai", OpenAI=Client)
stub("torch", no_grad=contextlib.nullcontext)
stub("sentence_transformers", SentenceTransformer=Model, util=cosine)
sys.path.insert(0, str(ROOT / "train"))
import src.train.reward_funcs as reward_funcs  # noqa: E402
import src.train.reward_utils as reward_utils  # noqa: E402
import src.train.temporal_grounding_reward as grounding  # noqa: E402


def load(path, namespace=None):
    """The functions and constants of a file that define without its heavy imports."""
    space = {
        "re": re, "np": np, "string": string, "json": json, "random": random, "os": os, "sys": sys,
        "Path": Path, "ast": ast, "partial": partial, **vars(__import__("math")), "math": __import__("math"),
        **{n: getattr(__import__("typing"), n) for n in "Any Dict List Optional Tuple Union".split()},
        **(namespace or {}),
    }
    tree = ast.parse(path.read_text())
    for node in tree.body:
        simple = isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        if isinstance(node, ast.FunctionDef) or simple:
            with contextlib.suppress(Exception):
                exec(compile(ast.Module([node], []), str(path), "exec"), space)  # noqa: S102
    return space


def task(name):
    extract = load(ROOT / "eval/lmms-eval/lmms_eval/utils.py")["extract_answer"]
    return load(TASKS / name / "utils.py", {"extract_answer": extract})


random.choice = lambda items: items[0]
mvbench, videomme = task("mvbench_think"), task("videomme_think")
tempcompass, mlvu = task("tempcompass_complete_think"), task("mlvu_think")
longvideobench, videomathqa = task("longvideobench_think"), task("videomathqa_think")
minerva, mmvu = task("minverva_think"), task("mmvu_think")
mmmu, vsi, scivideo = task("videommmu_think"), task("vsibench_think"), task("scivideobench_think")
tac = {p.stem: load(p) for p in (SCRIPTS / "tac").glob("*.py") if not p.stem.startswith("_")}
post = load(SCRIPTS / "post_processing/post_process_vsibench_predictions.py")
vas = load(SCRIPTS / "vas/evaluate_vas.py")


def claim_list(read):
    try:
        return [[c.get("start_sec", c["timestamp_sec"]), c.get("end_sec", c["timestamp_sec"]), c["sentence"]]
                for c in read()]
    except Exception:
        return "fails"


def reply_claims(reply):
    found = grounding._robust_json_from_text(reply.strip())
    if isinstance(found, dict):
        found = grounding.sanitize_timestamps_dict(found)
    return grounding.extract_grounding_claims(found)


def gold_claims(value):
    if isinstance(value, dict):
        value = grounding.sanitize_timestamps_dict(value)
    return grounding.extract_grounding_claims(value)


def trace(case):
    completions = [[{"content": case["output"]}]]
    gold = f"<answer>{case['gold']}</answer>"
    judged = json.loads(case["grounding"])
    grounding.chat = lambda **_: case["claims_reply"].strip()
    reward_funcs.chat = lambda *_: case["judge_reply"].strip()
    prompt = [None, {"content": [None, {"text": "?"}]}]
    tar = None
    with contextlib.suppress(Exception):
        tar = grounding.calculate_grounding_reward(
            case["output"], json.loads(case["grounding"]), Model(), None, None, case["delta"], case["threshold"])
    return {
        "type": reward_utils.infer_question_type(reward_utils.extract_answer(gold)),
        "accuracy": reward_funcs.accuracy_reward(completions, [{"content": gold}])[0],
        "format": reward_funcs.format_reward(completions)[0],
        "think": reward_utils.extract_reasoning(case["output"]),
        "predicted": claim_list(lambda: reply_claims(case["claims_reply"])),
        "reference": claim_list(lambda: gold_claims(judged)),
        "decision": reward_utils.parse_decision(case["judge_reply"].strip())[0],
        "tar": 0 if tar is None else tar,
        "temporal": reward_funcs.temporal_grounding_sentence_embedding_consistency_reward(
            completions, None, [json.loads(case["grounding"])], Model(), case["delta"], case["threshold"],
            prompts=[prompt])[0],
    }


def scored(compute):
    try:
        return compute()
    except Exception:
        return "fails"


BRACKETS = {"mvbench", "videomme", "mlvu", "longvideobench", "minerva"}


def judged_letters(reply):
    """The scripts' ten copies of one function fall into two kinds; `odd` names copies unlike their kind."""
    found = {
        name: [module["extract_letter"](reply, num_options=n) for n in (None, 0, 2, 5)]
        for name, module in sorted(tac.items()) if "extract_letter" in module
    }
    assert len(found) == 10
    like = {name: "minerva" if name in BRACKETS else "mmvu" for name in found}
    return {"brackets": found["minerva"], "plain": found["mmvu"],
            "odd": [name for name in found if found[name] != found[like[name]]]}


def parsers(case):
    out, gold, options = case["output"], case["gold"], case["options"]
    letters = [chr(65 + i) for i in range(len(options))]
    doc = {
        "candidates": options, "answer": options[letters.index(gold)], "choices": dict(zip(letters, options)),
        "id": "q", "video_path": "a/b/c", "domain": "", "sub_category": "", "task_type": "", "question_id": "",
        "duration": "", "uuid": "", "question": "", "category": "", "video_id": "", "question_type": "", "length": "",
        "duration_group": 15, "question_category": "", "correct_choice": letters.index(gold), "options": options,
        **{f"option{i}": options[i] if i < len(options) else "N/A" for i in range(5)},
    }
    mcq = {**doc, "answer": gold}
    open_gold = case["open_gold"]
    mmmu_doc = {**mcq, "id": "dev_Math_1", "question_type": "multiple-choice"}
    open_doc = {**mmmu_doc, "question_type": "open", "answer": open_gold}
    choice = mmmu["videommmu_process_results"](mmmu_doc, [out])["mmmu_acc"]
    opened = mmmu["videommmu_process_results"](open_doc, [out])["mmmu_acc"]["parsed_pred"]

    def vsi_number():
        result = {"question_type": "object_counting", "ground_truth": open_gold}
        vsi["vsibench_process_results"](result, [out])
        return float(result["MRA:.5:.95:.05"])

    def vsi_choice():
        result = {"question_type": "route_planning", "ground_truth": gold}
        vsi["vsibench_process_results"](result, [out])
        return result["accuracy"]

    def pred(module, name, document=mcq):
        return next(iter(module[name](document, [out]).values()))["pred_answer"]

    mv = mvbench["mvbench_process_results"](doc, [out])["mvbench_accuracy"]
    mm = mmvu["mmvu_process_results"](mcq, [out])["accuracy"]
    reply = vas["parse_llm_json"](case["reply"])
    number = case["number"]
    return {
        "mvbench": None if mv["pred_answer"] == "" else mv["score"],
        "videomme": pred(videomme, "videomme_process_results"),
        "tempcompass": pred(tempcompass, "tempcompass_process_results"),
        "mlvu": pred(mlvu, "mlvu_process_results"),
        "longvideobench": longvideobench["longvideobench_process_results"](doc, [out])["lvb_acc"]["parsed_pred"],
        "videomathqa": videomathqa["extract_characters_regex"](videomathqa["extract_answer"](out)),
        "minerva": minerva["extract_characters_regex"](minerva["extract_answer"](out)),
        "mmvu": [mm["pred_answer"], bool(mm["correct"])],
        "mmmu_choice": choice["parsed_pred"],
        "mmmu_open": opened if isinstance(opened, str) else [x if isinstance(x, str) else f"#{x!r}" for x in opened],
        "mmmu_open_correct": None if isinstance(opened, str) else mmmu["eval_open"](open_gold, opened),
        "scivideobench": pred(scivideo, "scivideobench_process_results"),
        "vsi_choice": scored(vsi_choice),
        "vsi_number": scored(vsi_number),
        "last_think": tac["minerva"]["extract_last_block"](out, tac["minerva"]["RE_THINK"]) or "",
        "last_answer": tac["mmvu"]["extract_last_block"](out, tac["mmvu"]["RE_ANSWER"]) or "",
        "letters": judged_letters(case["reply"]),
        "tac_vsi_letter": tac["vsibench"]["extract_option_letter"](case["reply"], case["lettered"]),
        "post_vsi_letter": post["extract_option_letter"](case["reply"], case["lettered"]),
        "tac_number": tac["video_mmmu"]["parse_number"](case["reply"]),
        "tac_vsi_number": tac["vsibench"]["parse_number"](case["reply"]),
        "open_match": tac["mmvu"]["compare_open_ended"](case["reply"], open_gold),
        "text_match": tac["video_mmmu"]["text_match"](case["reply"], open_gold),
        "vas": [reply[0], reply[1]],
        "mra": [
            scored(lambda: float(vsi["mean_relative_accuracy"](number[0], number[1], 0.5, 0.95, 0.05))),
            post["mean_relative_accuracy"](*number), tac["vsibench"]["mean_relative_accuracy"](*number),
        ],
    }


def run_script(path, arguments):
    """Runs a script's main with its command line, quietly."""
    argv, sys.argv = sys.argv, [str(path), *arguments]
    sys.path.insert(0, str(path.parent))
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            space = {"__name__": "script", "__file__": str(path)}
            # Data classes look themselves up in the module they are defined in.
            sys.modules["script"] = types.ModuleType("script")
            sys.modules["script"].__dict__.update(space)
            exec(compile(path.read_text(), str(path), "exec"), sys.modules["script"].__dict__)  # noqa: S102
            sys.modules["script"].__dict__["main"]()
    finally:
        sys.argv = argv
        sys.path.pop(0)


class Tokenizer:
    @staticmethod
    def from_pretrained(*_, **__):
        return Tokenizer()

    def apply_chat_template(self, messages, **_):
        return messages[-1]["content"]


class Sampled:
    def __init__(self, **_):
        pass

    def generate(self, prompts, *_, **__):
        """A judge that says what stands in double brackets in its prompt."""
        replies = [(re.findall(r"\[\[(.*?)\]\]", p, re.DOTALL) or [""])[-1] for p in prompts]
        return [types.SimpleNamespace(outputs=[types.SimpleNamespace(text=r)]) for r in replies]


def tac_run(case):
    stub("vllm", LLM=Sampled, SamplingParams=Sampled)
    stub("transformers", AutoTokenizer=Tokenizer)
    with tempfile.TemporaryDirectory() as folder:
        samples = Path(folder) / "samples.jsonl"
        samples.write_text("".join(json.dumps(row) + "\n" for row in case["rows"]))
        run_script(SCRIPTS / "tac" / f"{case['script']}.py",
                   ["--sample_jsonl", str(samples), "--output_dir", folder, "--inference_model", "x"])
        return json.loads((Path(folder) / "summary.json").read_text())


def tac_summary(case):
    with tempfile.TemporaryDirectory() as folder:
        for name, summary in case["runs"].items():
            (Path(folder) / name).mkdir()
            (Path(folder) / name / "summary.json").write_text(json.dumps(summary))
        run_script(SCRIPTS / "post_processing/summarize_tac.py",
                   ["--input_dir", folder, "--alpha", str(case["alpha"]), "--gamma", str(case["gamma"])])
        result = json.loads((Path(folder) / "summary.json").read_text())
        for dataset in result["datasets"].values():
            del dataset["source_path"], dataset["mtime"]
        return result


def vas_summary(case):
    stub("vllm", LLM=lambda **_: Sampled(), SamplingParams=Sampled)
    stub("transformers", AutoTokenizer=Tokenizer)
    with tempfile.TemporaryDirectory() as folder:
        for name, replies in case["files"].items():
            rows = [json.dumps({"input": "?", "resps": f"[[{r}]]"}) for r in replies]
            (Path(folder) / f"{name}_samples.jsonl").write_text("\n".join(rows))
        out = Path(folder) / "out"
        run_script(SCRIPTS / "vas/evaluate_vas.py",
                   ["--input_dir", folder, "--output_dir", str(out), "--model", "x", "--batch_size", "64"])
        return json.loads((out / "summary.json").read_text())


OPERATIONS = {"trace": trace, "parsers": parsers, "tac_run": tac_run, "tac_summary": tac_summary,
              "vas_summary": vas_summary}

if __name__ == "__main__":
    quiet = io.StringIO()
    for line in sys.stdin:
        case = json.loads(line)
        with contextlib.redirect_stdout(quiet):
            result = OPERATIONS[case["op"]](case)
        quiet.seek(0)
        quiet.truncate()
        sys.stdout.write(json.dumps(result) + "\n")

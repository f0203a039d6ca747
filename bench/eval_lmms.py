"""The questions of bench/eval.ts as tasks of lmms-eval: what their YAML, which bench/eval.ts writes, names.

A row: {id, target, system, video, parts: [{text} | {image: path}]}. Pictures, which lmms-eval encodes once for each
path, or the video, as its own tasks about videos have it.
"""

import re


def part(given):
    if given.get("image"):
        return {"type": "image", "url": given["image"]}
    return {"type": "text", "text": given["text"]}


def messages(doc, content):
    return [
        {"role": "system", "content": [{"type": "text", "text": doc["system"]}]},
        {"role": "user", "content": content},
    ]


def with_pictures(doc, lmms_eval_specific_kwargs=None):
    return messages(doc, [part(given) for given in doc["parts"]])


def with_video(doc, lmms_eval_specific_kwargs=None):
    return messages(doc, [{"type": "video", "url": doc["video"]}, part(doc["parts"][-1])])


def doc_to_visual(doc):
    return [given["image"] for given in doc["parts"] if given.get("image")]


def doc_to_text(doc, lmms_eval_specific_kwargs=None):
    return doc["parts"][-1]["text"]


def process_results(doc, results):
    found = re.search(r"<answer>\s*([A-Z])\s*</answer>", results[0])
    return {"right": float(found is not None and found.group(1) == doc["target"])}

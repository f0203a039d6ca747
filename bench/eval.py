"""The questions of bench/eval.ts as a task of inspect_ai.

inspect eval bench/eval.py@questions -T data=QUESTIONS.jsonl ...

A line of QUESTIONS.jsonl: {id, target, system, parts: [{text} | {image: path}]}. inspect_ai reads and encodes a picture
for each request, so it is given them as data URLs, made once for each file.
"""

import base64
import functools
import json

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ChatMessageSystem, ChatMessageUser, ContentImage, ContentText
from inspect_ai.scorer import pattern
from inspect_ai.solver import generate


@functools.cache
def data_url(path):
    with open(path, "rb") as file:
        return "data:image/jpeg;base64," + base64.b64encode(file.read()).decode()


def content(part):
    return ContentImage(image=data_url(part["image"])) if "image" in part else ContentText(text=part["text"])


def sample(row):
    said = [
        ChatMessageSystem(content=row["system"]),
        ChatMessageUser(content=[content(part) for part in row["parts"]]),
    ]
    return Sample(id=row["id"], input=said, target=row["target"])


@task
def questions(data):
    with open(data) as file:
        samples = [sample(json.loads(line)) for line in file]
    letter = pattern(r"<answer>\s*([A-Z])\s*</answer>")
    return Task(dataset=MemoryDataset(samples), solver=generate(), scorer=letter)

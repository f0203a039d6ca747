/**
 * A tiny checkout of lmms-eval: tasks for all eleven benchmarks in YAML and Python of our own making, with words of our
 * own. Each puts its text together in another way.
 */

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { mvbench } from "../mvbench.ts";

const yaml = (task: string, writer: string, settings: string, more = "") => `# a task
task: ${task}
${more}test_split: test
doc_to_visual: !function utils.visual
doc_to_text: !function utils.${writer}
lmms_eval_specific_kwargs:
${settings}metadata:
  - version: 0.0
`;

const lettersPy = (name: string) => `import os
import nothing_that_is_installed as nothing

with open(os.path.join(nothing.HOME, "x.yaml")) as f:
    config = nothing.load(f)


def ${name}(doc, lmms_eval_specific_kwargs=None):
    """Two kinds of question."""
    if len(doc["options"]) == 2:
        lead = "Pick one of both, A or B."
    else:
        lead = 'Pick one, "A" to "E".'
    # what is asked
    asked = doc["question"] + "\\n" + "\\n".join([f"{text}" for at, text in enumerate(doc["options"])])
    tail = lmms_eval_specific_kwargs["post_prompt"] if "post_prompt" in lmms_eval_specific_kwargs else "So:"
    return lead + "\\n" + asked + "\\n" + tail


def score(doc, results):
    return f"{nothing.mean(results):.2f}"
`;

/** The files of the checkout, by path below its tasks. */
const files: Readonly<Record<string, string>> = {
  "mvbench_think/_shared_yaml": yaml("mvbench_shared", "words", "  default:\n    post_prompt: unused\n"),
  ...Object.fromEntries(
    mvbench.subsets.map((subset) => [
      `mvbench_think/mvbench_${subset}.yaml`,
      `include: _shared_yaml\ntask: mvbench_${subset}_think\nlmms_eval_specific_kwargs:\n  default:\n    sub_task: ${subset}\n    post_prompt: "\\nThink aloud, then choose."\n`,
    ]),
  ),
  "mvbench_think/utils.py": `import string

FOLDERS = {
    "action_count": "perception/videos",  # and others
}


def words(doc, lmms_eval_specific_kwargs=None):
    lines = ""
    for at, text in enumerate(doc["candidates"]):
        letter = string.ascii_uppercase[at]
        lines += f"<{letter}> {text}\\n"
    whole = "Q:" + doc["question"] + "\\nChoices:\\n" + lines + lmms_eval_specific_kwargs["post_prompt"]
    return whole
`,
  "mvbench/mvbench_action_antonym.yaml": "task: mvbench_action_antonym\n",
  "videomme_think/videomme.yaml": yaml(
    "videomme_think",
    "words",
    '  default:\n    post_prompt: "Mind the \\"clock\\"."\n  other_model:\n    post_prompt: "Be short."\n',
  ),
  "videomme_think/utils.py": `def words(doc, lmms_eval_specific_kwargs=None):
    lead = ("Pick one of \\x41, \\u0042, C "
            'and\\tD.')
    options = "\\n".join(doc["options"])
    return f"{lead}\\n{doc['question']}\\n" + f"""{options}
{lmms_eval_specific_kwargs["post_prompt"]}"""
`,
  "videomme/videomme.yaml": yaml("videomme", "words", '  default:\n    post_prompt: "Just a letter."\n'),
  "videomme/utils.py": lettersPy("words"),
  "tempcompass_complete_think/t.yaml": yaml(
    "tempcompass_complete_think",
    "words",
    "  default:\n    pre_prompt: ''\n",
  ),
  "tempcompass_complete_think/utils.py": `def words(doc, settings=None):
    whole = doc["question"] + "\\n" + "\\n".join(doc["options"])
    return whole + "\\n" + (settings["post_prompt"] if "post_prompt" in settings else "So:")
`,
  "mlvu_think/dev.yaml": yaml(
    "mlvu_dev_think",
    "words",
    '  default:\n    pre_prompt: "Look well. "\n    post_prompt: |\n      Think a while,\n      then answer.\n',
  ),
  "mlvu_think/utils.py": `def words(doc, lmms_eval_specific_kwargs=None):
    settings = lmms_eval_specific_kwargs or {}
    return settings.get("pre_prompt", "") + doc["question"] + settings.get("post_prompt", "")
`,
  "longvideobench_think/v.yaml": yaml(
    "longvideobench_val_v_think",
    "words",
    '  default:\n    pre_prompt: ""\n    post_prompt: "Which letter is it?"\n',
  ),
  "longvideobench_think/utils.py": `import json


def words(doc, settings):
    texts = []
    for i in range(5):
        text = doc.get(f"option{i}")
        if text != "N/A":
            texts.append(text)
    asked = doc["question"] + "\\n" + "\\n".join([": ".join([chr(ord("A") + i), text]) for i, text in enumerate(texts)])
    if settings.get("subtitles", False):
        with open(doc["subtitle_path"]) as f:
            asked += json.load(f)
        return asked
    else:
        return f"{settings['pre_prompt']}{asked}\\n{settings['post_prompt']}"
`,
  "videomathqa_think/mcq.yaml": yaml(
    "videomathqa_mcq_think",
    "words",
    '  default:\n    post_prompt: "Count twice."\n',
  ),
  "videomathqa_think/utils.py": lettersPy("words"),
  "minerva_think/mcq.yaml": yaml("minerva_think", "words", "  default:\n    unused: 1\n"),
  "minerva_think/utils.py": lettersPy("words"),
  "videommmu_think/_shared_yaml": `lmms_eval_specific_kwargs:
  default:
    pre_prompt: "Learn first. "
    quiz_prompt: "\\nNo quiz, please."
    mcq_prompt: "Then choose: "
    open_prompt: "Then write: "
    post_prompt: "\\nThat is all."
`,
  ...Object.fromEntries(
    ["perception", "comprehension", "adaptation"].map((track) => [
      `videommmu_think/${track}.yaml`,
      `task: "video_mmmu_${track}_think"\ndoc_to_text: !function utils.${track === "adaptation" ? "adaptation" : "lecture"}\ninclude: _shared_yaml`,
    ]),
  ),
  "videommmu_think/utils.py": `def lecture(doc, kwargs=None):
    after = ""
    after += kwargs["quiz_prompt"]
    after += kwargs["post_prompt"]
    question = doc["question"]
    question += "\\n" + listed(doc["options"])
    return f"{question}{after}"


def adaptation(doc, kwargs=None):
    before, question = kwargs["pre_prompt"], doc["question"]
    if doc["question_type"] == "multiple-choice":
        before += kwargs["mcq_prompt"]
        question += "\\n" + listed(doc["options"])
    else:
        before += kwargs["open_prompt"]
    return f'{before}{question}{kwargs["post_prompt"]}'


def listed(options):
    letters = [chr(ord("A") + i) for i in range(len(options))]
    if all(option.startswith(f"{letter}.") for option, letter in zip(options, letters)):
        return "\\n".join(options)
    return "\\n".join([f"{letter}. {option}" for letter, option in zip(letters, options)])
`,
  "mmvu_think/val.yaml": yaml("mmvu_val_think", "words", "  default:\n    pre_prompt: ''\n"),
  "mmvu_think/utils.py": `write = """{question}"""


def words(doc, lmms_eval_specific_kwargs=None):
    kind = doc["question_type"]
    if kind == "multiple-choice":
        texts = doc["choices"]
        return lettered.format(question=doc["question"], texts=each(texts))
    else:
        return write.format(question=doc["question"])


lettered = ("""
Asked: {question}
{texts}
"""
            "One letter, in {{braces}}."
)


def each(texts: dict, between: str = "; ") -> str:
    return between.join(f"{key}) {texts[key]}" for key in sorted(texts.keys()))
`,
  "vsibench_think/vsibench.yaml": yaml(
    "vsibench_think",
    "words",
    '  default:\n    pre_prompt: ""\n    choice_prompt: "\\nReason, then a letter."\n    number_prompt: "One number.\\nReason, then a letter."\n',
  ),
  "vsibench_think/utils.py": `CHOICE = [
    "object_rel_direction_easy", "object_rel_direction_medium", "object_rel_direction_hard",
    "object_rel_distance", "route_planning", "obj_appearance_order",
]
NUMBER = ["object_abs_distance", "object_counting", "object_size_estimation", "room_size_estimation"]


def words(doc, lmms_eval_specific_kwargs=None):
    question = doc["question"]
    before = lmms_eval_specific_kwargs.get("pre_prompt", "") or r"A room\\house."
    if doc["question_type"] in NUMBER:
        after = lmms_eval_specific_kwargs.get("number_prompt", "") or "A number."
        return before + "\\n" + question + "\\n" + after
    elif doc["question_type"] in CHOICE:
        options = "Choices:\\n" + "\\n".join(doc["options"])
        return "\\n".join([before, question, options, lmms_eval_specific_kwargs["choice_prompt"]])
    else:
        raise ValueError(f"Unknown: {doc['question_type']}")
`,
  "scivideobench_think/s.yaml": yaml(
    "scivideobench_think",
    "words",
    '  default:\n    pre_prompt: "In the laboratory: "\n    post_prompt: "\\nWhich one?"\n',
  ),
  "scivideobench_think/utils.py": `def options_of(given):
    if isinstance(given, dict):
        return "\\n".join(f"({k}) {given[k]}" for k in sorted(given.keys()))
    elif isinstance(given, list):
        letters = "ABCDEFGHIJ"
        return "\\n".join(f"({letters[i]}) {text}" for i, text in enumerate(given))
    else:
        raise TypeError(f"{type(given)}")


def words(doc, kwargs=None):
    if kwargs is None:
        kwargs = {}
    pre  = kwargs.get("pre_prompt", "")
    text = f"{pre}{doc['question']}\\n{options_of(doc['options'])}{kwargs.get('post_prompt', '')}"
    return text
`,
};

/**
 * Writes the checkout into a folder, as Video-R2 has it in `eval/lmms-eval`.
 *
 * @param changes other contents by path below its tasks; null leaves the file out
 */
export function writeCheckout(folder: string, changes: Readonly<Record<string, string | null>> = {}): void {
  for (const [name, content] of Object.entries({ ...files, ...changes })) {
    if (content === null) continue;
    const path = join(folder, "eval/lmms-eval/lmms_eval/tasks", name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
}

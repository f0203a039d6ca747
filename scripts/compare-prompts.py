"""Prompts of an lmms-eval checkout by its own code: the other side of scripts/compare-prompts.ts.

Reads {"package": FOLDER, "model": NAME, "asked": [{"task": NAME, "doc": ROW}, ...]} from the standard input and writes
{"prompts": [...]} to the standard output. Tasks are found, their settings chosen and their functions called by the
checkout's own TaskManager and ConfigurableTask. All other libraries are replaced by empty ones: the files that write
prompts import them, but no prompt needs them. Only PyYAML and Jinja have to be installed.
"""

import importlib.abc
import importlib.machinery
import json
import os
import sys
import types


class Anything(type):
    """A class of which every attribute is another such class, and every call gives one."""

    def __getattr__(cls, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Anything(name, (), {})

    def __call__(cls, *_args, **_kwargs):
        return Anything("value", (), {})

    def __iter__(cls):
        return iter(())


class Replaced(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Makes an empty module of whatever is neither needed nor Python's own."""

    real = sys.stdlib_module_names | {"yaml", "jinja2", "markupsafe", "lmms_eval"}

    def find_spec(self, name, _path=None, _target=None):
        if name.split(".")[0] in self.real:
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec):
        module = types.ModuleType(spec.name)
        module.__path__ = []
        module.__getattr__ = lambda name: Anything(name, (), {})
        return module

    def exec_module(self, module):
        pass


def main():
    given = json.load(sys.stdin)
    sys.path.insert(0, given["package"])
    sys.meta_path.insert(0, Replaced())
    os.environ.setdefault("HF_HOME", given["package"])
    out, sys.stdout = sys.stdout, sys.stderr

    from lmms_eval.api.task import ConfigurableTask
    from lmms_eval.tasks import TaskManager

    manager = TaskManager(model_name=given["model"])
    tasks = {}

    def open_task(name):
        # A task without its data set, which only its rows would need.
        task = ConfigurableTask.__new__(ConfigurableTask)
        names = ("lmms_eval_specific_kwargs", "model_specific_target_kwargs", "model_specific_generation_kwargs")
        task._config = types.SimpleNamespace(**{**dict.fromkeys(names), **manager._get_config(name)})
        task.model_name = given["model"]
        task._prepare_model_specific_config()
        task.features = []
        return task

    prompts = []
    for asked in given["asked"]:
        name = asked["task"]
        if name not in tasks:
            tasks[name] = open_task(name)
        prompts.append(tasks[name].doc_to_text(asked["doc"]))
    json.dump({"prompts": prompts}, out)


if __name__ == "__main__":
    main()

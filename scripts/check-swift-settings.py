"""Whether every argument that a plan gives ms-swift is one that it has.

    video-r2 train grpo recipes/video-r2-7b-grpo.yaml --engine swift --gpus 8 --out x --dry-run --json > plan.json
    python scripts/check-swift-settings.py plan.json
"""

import dataclasses
import json
import sys

from swift.arguments import RLHFArguments, SftArguments

bad = 0
for path in sys.argv[1:]:
    plan = json.load(open(path))
    known = {field.name for field in dataclasses.fields(RLHFArguments if plan["recipe"]["kind"] == "grpo" else SftArguments)}
    unknown = [name for name in plan["settings"] if name != "ENV" and name not in known]
    print(f"{path}: {len(plan['settings']) - 1} arguments, {len(unknown)} unknown {unknown or ''}")
    bad += len(unknown)
sys.exit(bad > 0)

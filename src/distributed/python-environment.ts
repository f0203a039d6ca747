/** What of ms-swift and its companions a Python has, and whether they go together. */

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { UsageError } from "../base/index.ts";

/** What a Python has. */
export interface PythonEnvironment {
  python: string;
  /** Package to version; null where it is not installed. */
  versions: Record<string, string | null>;
  /** GPUs that torch sees. */
  gpus: number;
}

const packages = [
  ...["ms-swift", "torch", "transformers", "trl", "peft", "datasets", "qwen-vl-utils", "decord", "msgspec"],
  ...["vllm", "deepspeed", "flash-attn"],
];

const question = `
import json, sys
from importlib import metadata
found = {}
for name in json.loads(sys.argv[1]):
    try:
        found[name] = metadata.version(name)
    except metadata.PackageNotFoundError:
        found[name] = None
gpus = 0
if found["torch"]:
    import torch
    gpus = torch.cuda.device_count()
print(json.dumps({"versions": found, "gpus": gpus}))
`;

/** The stack that is known to go together (docs/swift.md). */
export const pins: Readonly<Record<string, string>> = {
  "ms-swift": "4.5.2",
  torch: "2.8.0",
  transformers: "4.57.6",
  trl: "0.29.1",
  peft: "0.19.1",
  "qwen-vl-utils": "0.0.14",
  vllm: "0.11.0",
  deepspeed: "0.18.9",
  "flash-attn": "2.8.3",
};

/** Asks a Python. @throws UsageError `python-missing` where it cannot be run, `swift-missing` where it has no ms-swift */
export async function inspectPython(python: string): Promise<PythonEnvironment> {
  let found: Pick<PythonEnvironment, "versions" | "gpus">;
  try {
    const { stdout } = await promisify(execFile)(python, ["-c", question, JSON.stringify(packages)]);
    found = JSON.parse(stdout) as typeof found;
  } catch (cause) {
    throw new UsageError(
      "python-missing",
      `--python: must be a Python that runs, got ${python}`,
      "Name one with --python, or in VIDEO_R2_PYTHON.",
      { cause },
    );
  }
  if (found.versions["ms-swift"] === null)
    throw new UsageError(
      "swift-missing",
      `--python: must have ms-swift, got ${python} without`,
      `Install it there: pip install ${installLine()}`,
    );
  return { python, ...found };
}

const installLine = (): string =>
  ["ms-swift", "transformers", "trl", "peft", "qwen-vl-utils"]
    .map((name) => `${name}==${pins[name]}`)
    .concat("decord", "msgspec")
    .join(" ");

/** What is missing or known not to work, a sentence each; empty where all is well. */
export function environmentWarnings(
  { versions, gpus: there }: PythonEnvironment,
  { kind, gpus, lora }: { kind: "sft" | "grpo"; gpus: number; lora: boolean },
): string[] {
  const needed = [
    ...["qwen-vl-utils", "decord", "msgspec"],
    ...(lora ? ["peft"] : []),
    ...(gpus > 0 ? ["deepspeed", "flash-attn"] : []),
    ...(gpus > 0 && kind === "grpo" ? ["vllm"] : []),
  ];
  const missing = needed.filter((name) => !versions[name]);
  const warnings = missing.map(
    (name) => `${name} is not installed${pins[name] ? `; ${name}==${pins[name]} is known to work` : ""}`,
  );
  const { "ms-swift": swift, transformers, trl } = versions;
  if (swift && !swift.startsWith("4.5."))
    warnings.push(`ms-swift ${swift} is not the 4.5 that its arguments are written for`);
  if (transformers && Number.parseInt(transformers, 10) >= 5 && gpus > 0 && kind === "grpo")
    warnings.push(
      `with transformers ${transformers}, vLLM is given wrong times of video frames (ms-swift issues 9357, 9582); ${pins.transformers} is known to work`,
    );
  if (gpus > there) warnings.push(`${gpus} GPUs are wanted, and torch sees ${there}`);
  if (trl && Number.parseInt(trl, 10) >= 1) warnings.push(`ms-swift 4.5 needs trl below 1.0, got ${trl}`);
  return warnings;
}

/** Lines of ms-swift's `logging.jsonl` as our metrics, while it is written. */

import { open } from "node:fs/promises";

/** A step as our `metrics.jsonl` has it; what ms-swift does not say is not there. */
export interface SwiftStep {
  step: number;
  steps: number;
  [metric: string]: number;
}

/** ms-swift's names (and trl's) to ours. */
const names: readonly (readonly [string, string])[] = [
  ["loss", "loss"],
  ["grad_norm", "gradNorm"],
  ["learning_rate", "learningRate"],
  ["token_acc", "tokenAccuracy"],
  ["eval_loss", "heldoutLoss"],
  ["reward", "reward"],
  ["reward_std", "rewardSd"],
  ["rewards/Accuracy/mean", "accuracy"],
  ["rewards/Format/mean", "format"],
  ["rewards/TemporalAlignment/mean", "tar"],
  ["frac_reward_zero_std", "groupsAlike"],
  ["kl", "kl"],
  ["completions/mean_length", "completionTokens"],
  ["completions/clipped_ratio", "truncated"],
  ["clip_ratio/region_mean", "clipped"],
];

/** A line of the log as a step, or null where it is none, as the summary at the end. */
export function swiftStep(line: Readonly<Record<string, unknown>>): SwiftStep | null {
  const [, step, steps] = /^(\d+)\/(\d+)$/.exec(String(line["global_step/max_steps"] ?? "")) ?? [];
  if (step === undefined || "train_runtime" in line) return null;
  const found: SwiftStep = { step: Number(step), steps: Number(steps) };
  for (const [theirs, ours] of names) {
    const value = Number(line[theirs]);
    if (line[theirs] !== undefined && Number.isFinite(value)) found[ours] = value;
  }
  const seconds = Number(line["train_speed(s/it)"]);
  if (Number.isFinite(seconds)) found.seconds = seconds;
  return found;
}

/**
 * The whole lines that a growing file has got since the last call.
 *
 * @returns a function that reads on; a file that is not there yet has no lines
 */
export function lineReader(path: string, from = 0): () => Promise<string[]> {
  let at = from;
  let rest = "";
  return async () => {
    const file = await open(path, "r").catch(() => null);
    if (file === null) return [];
    try {
      const { size } = await file.stat();
      if (size <= at) return [];
      const buffer = Buffer.alloc(size - at);
      const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
      at += bytesRead;
      const lines = (rest + buffer.toString("utf8", 0, bytesRead)).split("\n");
      rest = lines.pop() ?? "";
      return lines.filter((line) => line.trim() !== "");
    } finally {
      await file.close();
    }
  };
}

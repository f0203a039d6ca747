#!/usr/bin/env node
// Stands in for a Python with ms-swift where there is none: answers what is asked about its packages, and "trains" by
// writing what ms-swift writes where it writes it. With GRPO it asks the reward server about completions, as the plugin does.
import { appendFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const [flag, name, command, file] = process.argv.slice(2);
if (flag === "-c") {
  const versions = {
    "ms-swift": "4.5.2",
    torch: "2.8.0",
    transformers: "4.57.6",
    trl: "0.29.1",
    peft: "0.19.1",
  };
  console.log(
    JSON.stringify({
      versions: { ...versions, "qwen-vl-utils": "0.0.14", decord: "1", msgspec: "1" },
      gpus: 0,
    }),
  );
  process.exit(0);
}
if (flag !== "-m" || name !== "swift.cli.main") throw new Error(`unexpected ${process.argv.slice(2)}`);
const settings = JSON.parse(readFileSync(file, "utf8"));
const rows = readFileSync(settings.dataset[0], "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line));
const out = settings.output_dir;
mkdirSync(out, { recursive: true });
const steps = settings.max_steps;
const begun = Number(/checkpoint-(\d+)$/.exec(settings.resume_from_checkpoint ?? "")?.[1] ?? 0);
console.log(`training on ${rows.length} rows from step ${begun}`);
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
for (let step = begun + 1; step <= steps; step++) {
  await pause(Number(process.env.STAND_IN_PAUSE ?? 20));
  const line = { loss: 1 / step, "global_step/max_steps": `${step}/${steps}`, "train_speed(s/it)": 0.02 };
  if (command === "rlhf") {
    const row = rows[step % rows.length];
    const items = ["A", "B"].map((answer, i) => ({
      id: `${step}-${i}`,
      completion: `<think>At 00:01 it is seen. So the answer is ${answer}.</think><answer>${answer}</answer>`,
      question: row.messages[1].content.replace("<video>", ""),
      row: Object.fromEntries(
        Object.entries(row).filter(([key]) => !["messages", "videos", "chat_template_kwargs"].includes(key)),
      ),
    }));
    const response = await fetch(process.env.VIDEO_R2_REWARD_URL, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ step, items }),
    });
    const { results } = await response.json();
    if (!response.ok) throw new Error(`rewards: ${response.status}`);
    const mean = (key) => results.reduce((sum, { rewards }) => sum + (rewards[key] ?? 0), 0) / results.length;
    line["rewards/Accuracy/mean"] = mean("accuracy");
    line["rewards/Format/mean"] = mean("format");
    line.reward = mean("accuracy") + mean("format") + mean("tar");
  }
  appendFileSync(join(out, "logging.jsonl"), `${JSON.stringify(line)}\n`);
  if (process.env.STAND_IN_FAILS && step === 2) {
    console.error("CUDA out of memory");
    process.exit(1);
  }
  if (step % settings.save_steps === 0 && !existsSync(join(out, `checkpoint-${step}`)))
    mkdirSync(join(out, `checkpoint-${step}`));
}

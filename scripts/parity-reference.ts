/**
 * Runs the released code of Video-R2 and our `compat: "reference"` on generated cases and counts where they differ.
 *
 *   VIDEO_R2_REFERENCE=/path/to/Video-R2 VIDEO_R2_PYTHON=/path/to/python \
 *     npx tsx scripts/parity-reference.ts [--traces 10000] [--parsers 10000] [--runs 200] [--seed 1] [--record FILE]
 *
 * `--record FILE` writes the cases with the released code's results, which test/parity/reference.test.ts reads.
 * Python needs numpy and rouge_score.
 */

import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { type PythonJson, parsePythonJson } from "../src/metrics/index.ts";
import { differences } from "../test/parity/compare-results.ts";
import { generateCases, type ParityCase } from "../test/parity/generate-cases.ts";
import { ourResult } from "../test/parity/our-results.ts";

const { values } = parseArgs({
  options: {
    traces: { type: "string", default: "10000" },
    parsers: { type: "string", default: "10000" },
    runs: { type: "string", default: "200" },
    seed: { type: "string", default: "1" },
    record: { type: "string" },
    show: { type: "string", default: "5" },
  },
});
if (!process.env.VIDEO_R2_REFERENCE) {
  console.error("VIDEO_R2_REFERENCE: must be the path of a checkout of Video-R2");
  process.exit(2);
}

/** Python writes NaN and Infinity, which JSON.parse does not read. */
function plain(value: PythonJson | undefined): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [key, plain(item)]));
  return value;
}

const cases = [
  ...generateCases(Number(values.seed), {
    traces: Number(values.traces),
    parsers: Number(values.parsers),
    runs: Number(values.runs),
  }),
];
const python = spawn(
  process.env.VIDEO_R2_PYTHON ?? "python3",
  [new URL("../test/parity/reference-runner.py", import.meta.url).pathname],
  { stdio: ["pipe", "pipe", "inherit"] },
);
python.stdin.end(cases.map((item) => JSON.stringify(item)).join("\n"));
python.stdin.on("error", () => {});

const counts = new Map<string, { cases: number; wrong: number }>();
const fields = new Map<string, number>();
const recorded: { case: ParityCase; expected: unknown }[] = [];
let at = 0;
let shown = 0;
for await (const line of createInterface({ input: python.stdout })) {
  const item = cases[at++] as ParityCase;
  const expected: unknown = plain(parsePythonJson(line));
  const ours = ourResult(item);
  const wrong = differences(ours, expected);
  const count = counts.get(item.op) ?? { cases: 0, wrong: 0 };
  counts.set(item.op, { cases: count.cases + 1, wrong: count.wrong + (wrong.length > 0 ? 1 : 0) });
  for (const field of wrong) fields.set(`${item.op} ${field}`, (fields.get(`${item.op} ${field}`) ?? 0) + 1);
  if (wrong.length > 0 && shown++ < Number(values.show))
    console.error(wrong, JSON.stringify(item), "\n  ours  ", JSON.stringify(ours), "\n  theirs", line);
  if (!/NaN|Infinity/.test(line)) recorded.push({ case: item, expected });
}
for (const [op, { cases: n, wrong }] of counts) console.log(`${op}: ${wrong} of ${n} disagree`);
for (const [field, n] of fields) console.log(`  ${field}: ${n}`);
if (at < cases.length) console.error(`only ${at} of ${cases.length} cases were run`);
if (values.record) writeFileSync(values.record, `${recorded.map((r) => JSON.stringify(r)).join("\n")}\n`);
process.exit(at < cases.length || [...counts.values()].some(({ wrong }) => wrong > 0) ? 1 : 0);

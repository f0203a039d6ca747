/**
 * Imports the prompts of an lmms-eval checkout and compares what they give, byte for byte, with what the checkout's own
 * Python gives (scripts/compare-prompts.py), on three kinds of rows: public ones of the benchmarks where a folder has
 * them (--rows), the tiny editions that the tests use, and rows of odd texts by seed. Exits with 1 at any difference.
 *
 *     VIDEO_R2_PYTHON=/path/to/python npx tsx scripts/compare-prompts.ts --checkout DIR [--rows DIR]
 *         [--variant think|plain] [--model-key NAME] [--seed N]
 *
 * Python needs PyYAML and Jinja.
 */

import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Random, UsageError } from "../src/base/index.ts";
import {
  type Benchmark,
  type BenchmarkQuestion,
  findBenchmark,
  importCheckout,
  type PromptProfile,
  type TaskVariant,
} from "../src/benchmarks/index.ts";
import { letteredTexts } from "../src/benchmarks/options.ts";
import { exampleForms, exampleQuestion } from "../src/benchmarks/prompts/import-examples.ts";
import { CheckoutTasks } from "../src/benchmarks/prompts/import-task.ts";
import { writeBenchmark } from "../src/benchmarks/testing/write-benchmark.ts";

type Row = Record<string, unknown>;

const { values: flags } = parseArgs({
  options: {
    checkout: { type: "string" },
    rows: { type: "string" },
    variant: { type: "string" },
    "model-key": { type: "string" },
    seed: { type: "string", default: "0" },
  },
});
if (flags.checkout === undefined) throw new UsageError("usage", "--checkout: must be given, got none");
const random = new Random(Number(flags.seed));
const work = mkdtempSync(join(tmpdir(), "compare-prompts-"));
process.once("exit", () => rmSync(work, { recursive: true, force: true }));

/** A file of the folder of public rows: JSON, or a list of what its lines hold. */
function publicRows<T>(name: string): T | null {
  const path = flags.rows === undefined ? null : join(flags.rows, name);
  if (path === null || !existsSync(path)) return null;
  const text = readFileSync(path, "utf8");
  return JSON.parse(name.endsWith("l") ? `[${text.trim().split("\n").join(",")}]` : text) as T;
}

/** A row in the fields of one of the editions that a benchmark reads. */
interface PublicRow {
  subset?: string | undefined;
  row: Row;
}

const plain = (rows: readonly Row[] | null): PublicRow[] => (rows ?? []).map((row) => ({ row }));

/** The public rows, in whatever edition they were found. */
const editions: Record<string, () => PublicRow[]> = {
  mvbench() {
    const kinds = publicRows<{ source_row: number; sub_task: string }[]>("mvbench/row_index_to_subtask.json");
    const kindOf = new Map(kinds?.map(({ source_row, sub_task }) => [source_row, sub_task]));
    const found = publicRows<{ video_path: string; video_id: number; conversations: Row[] }[]>(
      "mvbench/hermes_raw_choices.jsonl",
    );
    return (found ?? []).flatMap(({ video_path, video_id, conversations }) =>
      conversations.map(({ question, choices, answer }) => ({
        subset: kindOf.get(video_id),
        row: { video: video_path.split("/").at(-1), question, candidates: choices, answer },
      })),
    );
  },
  videomme: () => plain(publicRows("videomme/official_fields.jsonl")),
  tempcompass() {
    type Questions = Record<string, Record<string, { question: string; answer: string }[]>>;
    const videos = Object.entries(publicRows<Questions>("tempcompass/questions_multi-choice.json") ?? {});
    return videos.flatMap(([video, kinds]) =>
      Object.values(kinds)
        .flat()
        .map(({ question, answer }, i) => {
          const [asked, ...options] = question.split(/\n(?=[A-Z]\. )/);
          return {
            row: { uuid: `${video}-${i}`, video_id: video, question: asked, options, answer: answer[0] },
          };
        }),
    );
  },
  mlvu: () => plain(publicRows("mlvu/official_dev.jsonl")),
  longvideobench: () => plain(publicRows("longvideobench/lvb_val_head.json")),
  video_mmmu: () =>
    findBenchmark("video_mmmu").subsets.flatMap((subset) => {
      const file = publicRows<Record<string, Record<string, Row>>>(
        `video_mmmu/${subset.toLowerCase()}_video.json`,
      );
      return Object.values(file?.[subset] ?? {}).map((row) => ({ subset, row }));
    }),
  mmvu: () => plain(publicRows("mmvu/validation_official.jsonl")),
  vsibench() {
    const scene = publicRows<{ questions: Row[] }>("vsibench/scannet_scene0207_02_questions.json");
    const other = publicRows<Row[]>("vsibench/video_r1_eval_format.jsonl") ?? [];
    const rows = other.map(({ problem, options, original_question_type, solution, path }) => {
      const [dataset, scene_name] = String(path).replace(".mp4", "").split("/").slice(-2);
      const ground_truth = /<answer>(.*)<\/answer>/.exec(String(solution))?.[1];
      const question_type = original_question_type;
      return { dataset, scene_name, question: problem, question_type, options, ground_truth };
    });
    return plain([...rows, ...(scene?.questions ?? [])]);
  },
  scivideobench() {
    const row = publicRows<Row>("scivideobench/readme_example.json");
    return plain(row && [row]);
  },
};

function publicQuestions(benchmark: Benchmark): BenchmarkQuestion[] {
  const rows = editions[benchmark.name]?.() ?? [];
  return rows.flatMap(
    ({ subset = null, row }, docId) =>
      benchmark.fromLog(row, { subset, docId }, `${benchmark.name} ${docId}`) ?? [],
  );
}

async function tinyQuestions(benchmark: Benchmark): Promise<BenchmarkQuestion[]> {
  const folder = join(work, benchmark.name);
  writeBenchmark(benchmark.name, folder);
  const questions: BenchmarkQuestion[] = [];
  for await (const question of benchmark.read(folder)) questions.push(question);
  return questions;
}

const scraps = [
  ..."abcABC019 .,:;?!'\"\\/{}[]()<>$&%«»#@~^|\n\t",
  ...[
    "é",
    "中",
    "🟢",
    "\u0301",
    "\u00a0",
    "\u2028",
    "A. ",
    "(B) ",
    "{0}",
    "{question}",
    "«A»",
    "<image 1>",
    "N/A",
  ],
];
const oddText = () => Array.from({ length: random.integer(1, 13) }, () => random.pick(scraps)).join("");

/** Questions of every form and number of options, of texts that no data set has. */
function oddQuestions(benchmark: Benchmark): BenchmarkQuestion[] {
  const rounds = Array.from({ length: 20 }, () => exampleForms(benchmark)).flat();
  return rounds.flatMap(({ subsets, counts, rows }) =>
    subsets.flatMap((subset) =>
      counts.flatMap((count) => {
        const bare = Array.from({ length: count }, oddText).map((text) => (text === "N/A" ? "N" : text));
        const texts = random.uniform() < 0.5 ? bare : letteredTexts(bare);
        return rows(oddText(), texts).map((row) => exampleQuestion(benchmark, subset, row));
      }),
    ),
  );
}

/** Which of its benchmark's templates a question takes. */
function formOf(benchmark: Benchmark, question: BenchmarkQuestion): string {
  const templates = Object.fromEntries(benchmark.promptForms.map((form) => [form, `${form}\n«question»`]));
  const prompts = { pieces: {}, templates, option: "«text»", separator: "\n" };
  const names: PromptProfile = {
    kind: "imported",
    name: "forms",
    source: null,
    benchmarks: { [benchmark.name]: prompts },
  };
  return benchmark.prompt(question, names).split("\n")[0] as string;
}

/** The prompts of the checkout's Python. */
function askPython(folder: string, asked: readonly { task: string; doc: object }[]): string[] {
  const python = process.env.VIDEO_R2_PYTHON ?? "python3";
  const script = fileURLToPath(new URL("compare-prompts.py", import.meta.url));
  const { status, stdout, stderr, error } = spawnSync(python, [script], {
    input: JSON.stringify({
      package: dirname(dirname(folder)),
      model: flags["model-key"] ?? "qwen2_5_vl",
      asked,
    }),
    encoding: "utf8",
    maxBuffer: 2 ** 30,
  });
  if (status !== 0)
    throw new UsageError(
      "compare-python",
      `scripts/compare-prompts.py: ${python} must run it, got ${error?.message ?? stderr.trim().split("\n").at(-1)}`,
      "python3 -m venv .venv && .venv/bin/pip install pyyaml jinja2, then VIDEO_R2_PYTHON=.venv/bin/python",
    );
  return (JSON.parse(stdout) as { prompts: string[] }).prompts;
}

const { folder } = await CheckoutTasks.open(flags.checkout);
const { profile, sha256, imported, leftOut } = await importCheckout(flags.checkout, {
  variant: flags.variant as TaskVariant | undefined,
  model: flags["model-key"],
});
console.log(`${profile.name}, sha256 ${sha256}`);

interface Asked {
  kind: string;
  benchmark: Benchmark;
  question: BenchmarkQuestion;
  task: string;
}
const asked: Asked[] = [];
for (const { benchmark: name, tasks } of imported) {
  const benchmark = findBenchmark(name);
  const kinds = {
    public: publicQuestions(benchmark),
    tiny: await tinyQuestions(benchmark),
    odd: oddQuestions(benchmark),
  };
  for (const [kind, questions] of Object.entries(kinds))
    for (const question of questions) {
      const think = benchmark.taskName(question.subset);
      asked.push({
        kind,
        benchmark,
        question,
        task: tasks.includes(think) ? think : think.replace(/_think$/, ""),
      });
    }
}
const theirs = askPython(
  folder,
  asked.map(({ task, question }) => ({ task, doc: question.doc })),
);
const none = { public: 0, tiny: 0, odd: 0, different: 0 };
const counts: Record<string, Record<string, number>> = Object.fromEntries(
  imported.flatMap(({ benchmark }) =>
    findBenchmark(benchmark).promptForms.map((form) => [`${benchmark} ${form}`, { ...none }]),
  ),
);
let different = 0;
for (const [i, { kind, benchmark, question }] of asked.entries()) {
  const ours = benchmark.prompt(question, profile);
  const row = counts[`${benchmark.name} ${formOf(benchmark, question)}`] as Record<string, number>;
  row[kind] = (row[kind] ?? 0) + 1;
  if (ours === theirs[i]) continue;
  row.different = (row.different ?? 0) + 1;
  if (different++ < 5)
    console.log(`${question.id}\n  ours   ${JSON.stringify(ours)}\n  theirs ${JSON.stringify(theirs[i])}`);
}
console.table(counts);
for (const { benchmark, reason } of leftOut) console.log(`left out: ${benchmark}: ${reason}`);
console.log(`${asked.length - different} of ${asked.length} prompts are the same bytes`);
const untried = Object.values(counts).some(({ tiny, odd }) => tiny === 0 || odd === 0);
process.exitCode = different > 0 || asked.length === 0 || untried ? 1 : 0;

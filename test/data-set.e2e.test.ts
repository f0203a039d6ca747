import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { writePatternVideo } from "../src/data/testing/patterned-video.ts";
import { runCli } from "./run-cli.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "data-set-"));
  const videos = join(root, "videos");
  await mkdir(videos);
  for (let seed = 0; seed < 10; seed++)
    await writePatternVideo(join(videos, `${seed}.mp4`), { seed, seconds: 2 + (seed % 2) * 9 });
  await writePatternVideo(join(videos, "0-again.mp4"), { seed: 0, size: 96, crf: 30 });
  const head = "video,frame_count,width,height,question,answer,qid,type,a0,a1,a2,a3,a4";
  const names = ["0-again", "gone", ...Array.from({ length: 10 }, (_, i) => String(i))];
  const rows = names.flatMap((name) => [
    `${name},20,64,64,what comes after the first tile,1,0,TN,red,blue,green,grey,white`,
    `${name},20,64,64,why does it change,4,1,CW,heat,wind,rain,night,nobody knows`,
  ]);
  await writeFile(join(root, "train.csv"), `${[head, ...rows].join("\n")}\n`);
});
afterAll(() => rm(root, { recursive: true }));

const at = (path: string) => join(root, path);
const rowsOf = async (path: string) =>
  (await readFile(at(path), "utf8"))
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>);

it("goes from others' questions to parts for training in four commands", async () => {
  const imported = await runCli([
    ...["data", "import", at("train.csv"), "--from", "nextqa"],
    ...["--videos", at("videos"), "--out", at("nextqa")],
  ]);
  expect(imported.code).toBe(0);
  expect(imported.stdout).toBe(
    [
      `20 questions (20 choice) about 10 videos, 1.1 minutes, in ${at("nextqa/questions.jsonl")}`,
      `4 set aside (2 video-duplicate, 2 video-missing) in ${at("nextqa/rejected.jsonl")}`,
      "videos: 12 named, 10 usable; not usable: 1 video-duplicate, 1 video-missing",
      "",
    ].join("\n"),
  );
  expect(imported.stderr).toContain("videos: 12 done");

  const filtered = await runCli([
    ...["data", "filter", at("nextqa/questions.jsonl"), "--out", at("nextqa/kept.jsonl")],
    ...["--categories", "temporal-next,causal-why", "--balance", "category,length", "--cap", "4", "--json"],
  ]);
  expect(JSON.parse(filtered.stdout)).toMatchObject({
    kept: 16,
    reasons: { balance: 4 },
    strata: {
      "causal-why / 10 to 30 s": { kept: 4, found: 5 },
      "temporal-next / under 10 s": { kept: 4, found: 5 },
    },
  });

  await writeFile(
    at("held.jsonl"),
    `${JSON.stringify({
      ...{ id: "h", video: "videos/0.mp4", question: "Which?", options: [], answer: "x", answerType: "text" },
      ...{ category: "c", durationSeconds: 2 },
    })}\n`,
  );
  const split = await runCli([
    ...["data", "split", at("nextqa/questions.jsonl"), "--out", at("split"), "--ratio", "2:1"],
    ...["--against", at("held.jsonl")],
  ]);
  expect(split.code).toBe(0);
  expect(split.stdout).toMatch(/^sft: 12 rows about 6 videos in .*\n {2}source: 12 nextqa\n/);
  expect(split.stdout).toMatch(/\ngrpo: 6 rows about 3 videos/);
  expect(split.stdout).toContain(
    `held against 1 questions about 1 videos: 2 rows set aside (2 leak-video) in ${at("split/leaked.jsonl")}`,
  );
  expect((await rowsOf("split/leaked.jsonl")).map(({ id }) => id)).toEqual([
    "nextqa/0-again/0",
    "nextqa/0-again/1",
  ]);
  const videos = async (part: string) =>
    new Set((await rowsOf(`split/${part}.jsonl`)).map(({ video }) => video));
  const sft = await videos("sft");
  expect([...(await videos("grpo"))].some((video) => sft.has(video))).toBe(false);

  const hub = await runCli([
    ...[
      "data",
      "convert",
      at("split/sft.jsonl"),
      at("split/grpo.jsonl"),
      "--to",
      "parquet",
      "--out",
      at("hub"),
    ],
  ]);
  expect(hub.stdout).toBe(
    `18 rows in ${at("hub/data/sft.parquet")}, ${at("hub/data/grpo.parquet")}, ${at("hub/README.md")}\n`,
  );
  const back = await runCli([
    ...[
      "data",
      "convert",
      at("hub/data/sft.parquet"),
      "--to",
      "video-r2",
      "--out",
      at("split/back.jsonl"),
      "--json",
    ],
  ]);
  expect(JSON.parse(back.stdout)).toMatchObject({ rows: 12, unread: [] });
  expect(await rowsOf("split/back.jsonl")).toEqual(await rowsOf("split/sft.jsonl"));
});

it("holds a split against a benchmark on this machine", async () => {
  await runCli([
    "data",
    "synth",
    "--out",
    at("world"),
    "--count",
    "2",
    "--split",
    "heldout",
    "--lengths",
    "8",
  ]);
  const [row] = await rowsOf("world/heldout.jsonl");
  await writeFile(
    at("world/mine.jsonl"),
    [row, { ...row, id: "other", question: "Why?" }].map((one) => JSON.stringify(one)).join("\n"),
  );
  const { stdout, code } = await runCli([
    ...["data", "split", at("world/mine.jsonl"), "--out", at("world/split"), "--json"],
    ...["--against", `synthetic=${at("world")}`, "--leak-checks", "video"],
  ]);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    leaked: 2,
    reasons: { "leak-video": 2 },
    against: { videos: 2, unread: 0 },
  });
});

const errorOf = (stdout: string) => (JSON.parse(stdout) as { error: Record<string, string> }).error;

it.each([
  [
    "a format",
    ["import", "x.csv", "--from", "other", "--videos", "v", "--out", "o"],
    "--from: must be one of llava-video, nextqa",
  ],
  [
    "a file",
    ["import", "none.csv", "--from", "csv", "--videos", "v", "--out", "o"],
    "source: must be a file, got none.csv",
  ],
  [
    "a map",
    ["import", "x.csv", "--from", "csv", "--map", "qu=x", "--videos", "v", "--out", "o"],
    "--map: must be FIELD=COLUMN",
  ],
  [
    "a range",
    ["filter", "x.jsonl", "--seconds", "9..2", "--out", "o"],
    '--seconds: must be a range FROM..TO, got "9..2"',
  ],
  [
    "a balance without a cap",
    ["filter", "x.jsonl", "--balance", "source", "--out", "o"],
    "--balance and --cap: must be given together",
  ],
  [
    "a field",
    ["filter", "x.jsonl", "--balance", "x", "--cap", "1", "--out", "o"],
    "--balance: must be of source, answerType",
  ],
  [
    "a check",
    ["split", "x.jsonl", "--leak-checks", "sound", "--against", "mvbench", "--out", "o"],
    "--leak-checks: must be of video, text",
  ],
  ["a benchmark", ["split", "x.jsonl", "--against", "nobench", "--out", "o"], "nobench"],
  [
    "a target",
    ["convert", "x.jsonl", "--to", "xml", "--out", "o"],
    "--to: must be one of video-r2, reference",
  ],
])("says what is wrong with %s", async (_what, args, message) => {
  const out = args.indexOf("--out") + 1;
  const { stdout, code } = await runCli(["data", ...args.with(out, at("unused")), "--json"]);
  expect([code, errorOf(stdout).message]).toEqual([2, expect.stringContaining(message)]);
});

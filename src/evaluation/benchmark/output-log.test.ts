import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type OutputLine, OutputLog, readOutputs } from "./output-log.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "output-log-"));
});
afterAll(() => rm(folder, { recursive: true }));

const line = (id: string, key = "k"): OutputLine => ({
  id,
  key,
  text: `answer ${id}\n`,
  finishReason: "stop",
  frames: 1,
  promptTokens: null,
  completionTokens: null,
});

it("has an answer on disk when it says so, though many are written at once", async () => {
  const path = join(folder, "many.jsonl");
  const log = await OutputLog.open(path);
  const ids = Array.from({ length: 200 }, (_, i) => `q${i}`);
  await Promise.all(
    ids.map(async (id) => {
      await log.append([line(id), line(`${id}+`)]);
      const text = await readFile(path, "utf8");
      expect(text).toContain(`${JSON.stringify(line(id))}\n${JSON.stringify(line(`${id}+`))}\n`);
    }),
  );
  await log.close();
  const written = (await readFile(path, "utf8")).trim().split("\n");
  expect(written.map((text) => (JSON.parse(text) as OutputLine).id)).toEqual(
    ids.flatMap((id) => [id, `${id}+`]),
  );
});

it("fails those whose piece could not be written", async () => {
  const log = await OutputLog.open(join(folder, "closed.jsonl"));
  await log.close();
  const failed = await Promise.allSettled([log.append([line("a")]), log.append([line("b")])]);
  expect(failed.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
});

it("goes on after a kill in the middle of a line, and gives an answer under its own key only", async () => {
  const path = join(folder, "cut.jsonl");
  const whole = `${JSON.stringify(line("a"))}\n`;
  await writeFile(path, `${whole}${JSON.stringify(line("b")).slice(0, -5)}`);
  const log = await OutputLog.open(path);
  expect([log.get("a", "k"), log.get("a", "other"), log.get("b", "k")]).toEqual([
    line("a"),
    undefined,
    undefined,
  ]);
  await log.append([line("b", "new")]);
  await log.close();
  expect([...(await readOutputs(path)).values()]).toEqual([line("a"), line("b", "new")]);
});

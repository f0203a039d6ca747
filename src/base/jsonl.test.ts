import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { JsonlWriter, readJsonl, writeFileAtomic } from "./jsonl.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "jsonl-"));
});
afterAll(() => rm(folder, { recursive: true }));

it("reads back what was appended, in order", async () => {
  const path = join(folder, "deep", "a.jsonl");
  const writer = await JsonlWriter.open(path);
  await Promise.all([1, 2, 3].map((n) => writer.append({ n, text: "line\nbreak" })));
  const rows = [];
  for await (const row of readJsonl<{ n: number }>(path)) rows.push(row.n);
  expect(rows).toEqual([1, 2, 3]);
});

it("names file and line of what is not JSON", async () => {
  const path = join(folder, "bad.jsonl");
  await writeFile(path, '{"a":1}\n\n{"a":');
  const rows: unknown[] = [];
  const read = async () => {
    for await (const row of readJsonl(path)) rows.push(row);
  };
  await expect(read()).rejects.toThrow("bad.jsonl:3: must be one JSON value");
  expect(rows).toEqual([{ a: 1 }]);
});

it("replaces a file whole", async () => {
  const path = join(folder, "x.txt");
  await writeFileAtomic(path, "one");
  await writeFileAtomic(path, "two");
  expect(await readFile(path, "utf8")).toBe("two");
});

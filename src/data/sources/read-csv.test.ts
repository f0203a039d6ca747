import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { allOf } from "../testing/all-of.ts";
import { readCsv, readCsvRows } from "./read-csv.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "csv-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function read(content: string | Uint8Array, name = "a.csv") {
  const path = join(folder, name);
  await writeFile(path, content);
  return allOf(readCsv(path));
}

const quoted = (field: string) => `"${field.replaceAll('"', '""')}"`;

it("reads back every table, whatever its fields hold and its lines end with", async () => {
  const field = fc.string({ unit: fc.constantFrom("a", " ", ",", '"', "\n", "\r", "é", "漢") });
  const table = fc.array(fc.array(field, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(table, fc.constantFrom("\n", "\r\n"), fc.boolean(), async (rows, end, last) => {
      const text = rows.map((fields) => fields.map(quoted).join(",")).join(end) + (last ? end : "");
      expect((await read(text)).map(({ fields }) => fields)).toEqual(rows);
    }),
    { numRuns: 100 },
  );
});

it("says the line that each record begins on", async () => {
  expect(await read('a,b\r\n"two\nlines",1\n\nc,d')).toEqual([
    { line: 1, fields: ["a", "b"] },
    { line: 2, fields: ["two\nlines", "1"] },
    { line: 5, fields: ["c", "d"] },
  ]);
});

it("reads gzip, a byte order mark and quotes inside plain fields", async () => {
  expect(await read(gzipSync('\uFEFFid,said\n1,5" nails\n'), "b.csv.gz")).toEqual([
    { line: 1, fields: ["id", "said"] },
    { line: 2, fields: ["1", '5" nails'] },
  ]);
  const rows = await allOf(readCsvRows(join(folder, "b.csv.gz")));
  expect(rows).toEqual([{ line: 2, value: { id: "1", said: '5" nails' } }]);
});

it("names the line of a quote that is not closed", async () => {
  await expect(read('a\n"b\nc')).rejects.toMatchObject({
    code: "source-invalid",
    message: expect.stringContaining("a.csv:2: a quoted field must be closed"),
  });
});

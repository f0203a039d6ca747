/** Writes Parquet files with the column types that the hub's data sets have: lists and structs as the hub nests them. */

import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { parquetWriteFile } from "hyparquet-writer";

/** How a column is typed; `letters` is a struct of texts with fields A, B, ..., `picture` one of bytes and path. */
export type ColumnType = "text" | "int" | "float" | "texts" | { letters: number } | "picture";

type Schema = NonNullable<Parameters<typeof parquetWriteFile>[0]["schema"]>;

const text = (name: string): Schema[number] => ({
  name,
  type: "BYTE_ARRAY",
  converted_type: "UTF8",
  repetition_type: "OPTIONAL",
});
const struct = (name: string, children: Schema): Schema => [
  { name, repetition_type: "OPTIONAL", num_children: children.length },
  ...children,
];

function schemaOf(name: string, type: ColumnType): Schema {
  if (type === "text") return [text(name)];
  if (type === "int") return [{ name, type: "INT64", repetition_type: "OPTIONAL" }];
  if (type === "float") return [{ name, type: "DOUBLE", repetition_type: "OPTIONAL" }];
  if (type === "texts")
    return [
      { name, repetition_type: "OPTIONAL", converted_type: "LIST", num_children: 1 },
      { name: "list", repetition_type: "REPEATED", num_children: 1 },
      text("element"),
    ];
  if (type === "picture")
    return struct(name, [{ name: "bytes", type: "BYTE_ARRAY", repetition_type: "OPTIONAL" }, text("path")]);
  return struct(
    name,
    Array.from({ length: type.letters }, (_, i) => text(String.fromCharCode(65 + i))),
  );
}

/** Writes rows as one file, one row group for every two rows. */
export function writeParquet(
  path: string,
  columns: Readonly<Record<string, ColumnType>>,
  rows: readonly Readonly<Record<string, unknown>>[],
): void {
  mkdirSync(dirname(path), { recursive: true });
  const names = Object.keys(columns);
  const value = (name: string, item: unknown) =>
    item === undefined || item === null ? null : columns[name] === "int" ? BigInt(Number(item)) : item;
  parquetWriteFile({
    filename: path,
    rowGroupSize: 2,
    columnData: names.map((name) => ({ name, data: rows.map((row) => value(name, row[name])) })),
    schema: [
      { name: "schema", num_children: names.length },
      ...names.flatMap((name) => schemaOf(name, columns[name] as ColumnType)),
    ],
  });
}

/**
 * How a checkpoint's weights are spread over files: one `model.safetensors`, or shards and an index that says which
 * shard holds which tensor.
 */

import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { UsageError } from "../base/index.ts";

const SINGLE = "model.safetensors";
const INDEX = "model.safetensors.index.json";

/**
 * The weight files of a checkpoint directory; a single file goes before shards.
 *
 * @throws UsageError `model-missing` where there are none, `model-file` where the index is malformed
 */
export function weightFiles(directory: string): string[] {
  const index = join(directory, INDEX);
  if (existsSync(join(directory, SINGLE))) return [join(directory, SINGLE)];
  if (!existsSync(index))
    throw new UsageError("model-missing", `model: a directory with ${SINGLE} or ${INDEX}, got ${directory}`);
  let map: unknown;
  try {
    map = (JSON.parse(readFileSync(index, "utf8")) as { weight_map?: unknown }).weight_map;
  } catch (cause) {
    throw new UsageError("model-file", `${index}: must be JSON`, undefined, { cause });
  }
  const names = map !== null && typeof map === "object" ? Object.values(map) : [];
  const isPlain = (name: unknown): name is string => typeof name === "string" && basename(name) === name;
  if (names.length === 0 || !names.every(isPlain))
    throw new UsageError("model-file", `${index}: must map tensors to files beside it`);
  return [...new Set(names as string[])].sort().map((name) => join(directory, name));
}

/** A file that is to be written, and its tensors in order. */
export interface WeightFile<T> {
  readonly file: string;
  readonly tensors: readonly T[];
}

/**
 * Spreads tensors over files as transformers does: in their order, a new file where one would exceed the limit.
 *
 * @param shardBytes largest file in bytes, without its header; a single tensor is never split
 */
export function planWeightFiles<T extends { readonly bytes: number }>(
  tensors: readonly T[],
  shardBytes: number,
): WeightFile<T>[] {
  const shards: T[][] = [[]];
  let size = 0;
  for (const tensor of tensors) {
    if (size > 0 && size + tensor.bytes > shardBytes) {
      shards.push([]);
      size = 0;
    }
    shards.at(-1)?.push(tensor);
    size += tensor.bytes;
  }
  const label = (i: number): string => String(i).padStart(5, "0");
  return shards.map((own, i) => ({
    file: shards.length === 1 ? SINGLE : `model-${label(i + 1)}-of-${label(shards.length)}.safetensors`,
    tensors: own,
  }));
}

/** Writes the index of shards; removes what an earlier checkpoint there would be read by instead. */
export function writeWeightIndex(
  directory: string,
  files: readonly WeightFile<{ readonly name: string; readonly bytes: number }>[],
): void {
  const path = join(directory, INDEX);
  if (files.length === 1) {
    rmSync(path, { force: true });
    return;
  }
  rmSync(join(directory, SINGLE), { force: true });
  const total = files.flatMap(({ tensors }) => tensors).reduce((sum, { bytes }) => sum + bytes, 0);
  const map = files.flatMap(({ file, tensors }) => tensors.map(({ name }) => [name, file] as const));
  const index = { metadata: { total_size: total }, weight_map: Object.fromEntries(map) };
  writeFileSync(path, `${JSON.stringify(index, null, 2)}\n`);
}

/** What the card of a data set (`README.md`) says about which files make up which split. */

import { parse } from "yaml";
import { z } from "zod";

const paths = z.union([z.string(), z.array(z.string())]);
const dataFiles = z.union([
  paths,
  z.array(z.union([z.string(), z.object({ split: z.string().optional(), path: paths })])),
  z.record(z.string(), paths),
]);
const card = z.object({
  configs: z.array(
    z.object({
      config_name: z.string().optional(),
      data_dir: z.string().optional(),
      data_files: dataFiles.optional(),
    }),
  ),
});

const escaped = (text: string) => text.replace(/[.+^${}()|[\]\\]/g, "\\$&");

/** What a pattern of a card matches: `*` and `?` anything but a slash, `**` slashes too. */
function formOf(pattern: string): RegExp {
  const form = pattern
    .replace(/^\.\//, "")
    .split(/(\*\*\/|\*\*|\*|\?)/)
    .map((part) => ({ "**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]" })[part] ?? escaped(part))
    .join("");
  return new RegExp(`^${form}$`);
}

const list = (value: string | string[]) => (typeof value === "string" ? [value] : value);

/** The patterns of a split; without a split they are of `train`. */
function patternsOf(files: z.infer<typeof dataFiles>, split: string): string[] {
  if (typeof files === "string") return split === "train" ? [files] : [];
  if (!Array.isArray(files)) return list(files[split] ?? []);
  return files.flatMap((entry) => {
    const { split: of = "train", path } = typeof entry === "string" ? { path: entry } : entry;
    return of === split ? list(path) : [];
  });
}

/**
 * The files of a split, as the card names them.
 *
 * @param text the card
 * @param config null for `default`, or the only one there is
 * @param files paths in the repository
 * @returns paths, sorted; empty where the card does not say
 */
export function cardFiles(
  text: string,
  config: string | null,
  split: string,
  files: readonly string[],
): string[] {
  const [, head] = /^---\r?\n(.*?)\r?\n---/s.exec(text) ?? [];
  let said: unknown;
  try {
    said = parse(head ?? "");
  } catch {
    return [];
  }
  const { success, data } = card.safeParse(said);
  if (!success) return [];
  const name = (one: (typeof data.configs)[number]) => one.config_name ?? "default";
  const found =
    data.configs.find((one) => name(one) === (config ?? "default")) ??
    (config === null && data.configs.length === 1 ? data.configs[0] : undefined);
  if (found?.data_files === undefined) return [];
  const root = found.data_dir === undefined ? "" : `${found.data_dir.replace(/\/+$/, "")}/`;
  const forms = patternsOf(found.data_files, split).map((pattern) => formOf(root + pattern));
  return files.filter((path) => forms.some((form) => form.test(path))).sort();
}

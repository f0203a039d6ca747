/** Which file of a folder a data set's name of a video means. */

import { readdir, stat } from "node:fs/promises";
import { basename, join, parse } from "node:path";
import { UsageError } from "../../base/index.ts";

const endings = new Set([".mp4", ".mkv", ".webm", ".avi", ".mov", ".m4v", ".mpg", ".mpeg", ".flv", ".gif"]);

/** A file that was found, or why none was. */
export type FoundVideo = { path: string } | { problem: "missing" | "ambiguous"; detail: string };

/** The videos of a folder, however deep, by path and by name. */
export class VideoFolder {
  readonly #folder: string;
  readonly #paths: ReadonlySet<string>;
  /** File name, and name without ending, to paths. */
  readonly #names = new Map<string, string[]>();

  private constructor(folder: string, paths: readonly string[]) {
    this.#folder = folder;
    this.#paths = new Set(paths);
    for (const path of paths) {
      const { base, name } = parse(path);
      for (const key of [base, name]) {
        const there = this.#names.get(key);
        if (there === undefined) this.#names.set(key, [path]);
        else if (there.at(-1) !== path) there.push(path);
      }
    }
  }

  /** Lists a folder. @throws UsageError `videos-folder` where it is none */
  static async open(folder: string): Promise<VideoFolder> {
    const found = await stat(folder).catch(() => null);
    if (!found?.isDirectory())
      throw new UsageError(
        "videos-folder",
        `--videos: must be a folder, got ${folder}${found === null ? ", which is not there" : ""}`,
        "It holds the data set's videos, in folders of it if need be.",
      );
    const paths: string[] = [];
    const walk = async (below: string): Promise<void> => {
      const entries = await readdir(join(folder, below), { withFileTypes: true });
      for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
        const path = below === "" ? entry.name : `${below}/${entry.name}`;
        if (entry.isDirectory()) await walk(path);
        else if (endings.has(parse(entry.name).ext.toLowerCase())) paths.push(path);
      }
    };
    await walk("");
    return new VideoFolder(folder, paths);
  }

  /** How many videos there are. */
  get size(): number {
    return this.#paths.size;
  }

  /**
   * The file that one of the names means: the path itself first, then a file of that name anywhere below, then one of
   * that name with another ending.
   */
  find(names: readonly string[]): FoundVideo {
    const clean = names.map((name) => name.replaceAll("\\", "/").replace(/^(?:\.?\/)+/, ""));
    const exact = clean.find((name) => this.#paths.has(name));
    if (exact !== undefined) return { path: join(this.#folder, exact) };
    for (const form of [basename, (name: string) => parse(name).name]) {
      for (const name of clean) {
        const there = this.#names.get(form(name));
        if (there === undefined) continue;
        if (there.length === 1) return { path: join(this.#folder, there[0] as string) };
        return {
          problem: "ambiguous",
          detail: `${there.length} files are called ${form(name)}: ${there.slice(0, 3).join(", ")}`,
        };
      }
    }
    return { problem: "missing", detail: `no file is called ${clean[0]}` };
  }
}

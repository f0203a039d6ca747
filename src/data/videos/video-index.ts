/**
 * What is known of video files: whether they decode, length, size, content. Kept in a JSONL file, so that a file is
 * opened once, whatever is stopped and begun again; a file that has changed since is opened anew.
 */

import { existsSync } from "node:fs";
import { open, readFile, stat } from "node:fs/promises";
import { dirname, relative, resolve, sep } from "node:path";
import {
  JsonlWriter,
  messageOf,
  readJsonl,
  sha256File,
  UsageError,
  writeFileAtomic,
} from "../../base/index.ts";
import { openVideo } from "../../video/index.ts";
import { fingerprintIndices, fingerprintOf } from "./fingerprint.ts";

/** A video that can be used. */
export interface SoundVideo {
  durationSeconds: number;
  fps: number;
  frames: number;
  /** In pixels. */
  width: number;
  /** In pixels. */
  height: number;
  codec: string;
  /** Of the file's bytes; null for a folder of pictures. */
  sha256: string | null;
  /** What it looks like, in base64; see `fingerprintOf`. */
  fingerprint: string;
}

/** Why a video cannot be used. */
export interface BadVideo {
  /** `missing`: no such file; `broken`: it does not decode, is cut short or damaged. */
  problem: "missing" | "broken";
  detail: string;
}

/** What is known of a file. */
export type VideoFacts = SoundVideo | BadVideo;

/** Whether a video can be used. */
export const isSound = (facts: VideoFacts): facts is SoundVideo => "fingerprint" in facts;

interface Entry {
  /** Relative to the folder of the index, with slashes. */
  path: string;
  bytes: number;
  modifiedMs: number;
  facts: VideoFacts;
}

const cutShort = /header promises/;

async function factsOf(path: string, file: boolean): Promise<VideoFacts> {
  let video: Awaited<ReturnType<typeof openVideo>>;
  try {
    video = await openVideo(path);
  } catch (error) {
    if (error instanceof UsageError && error.code === "video-backend-missing") throw error;
    return { problem: "broken", detail: messageOf(error) };
  }
  try {
    const { info } = video;
    const fingerprint = await fingerprintOf(video);
    const wanted = fingerprintIndices(info.frameCount).length;
    const warning = info.warnings.find((text) => cutShort.test(text)) ?? info.warnings[0];
    if (warning !== undefined || fingerprint.length < wanted * 192)
      return { problem: "broken", detail: warning ?? "some of its frames do not decode" };
    return {
      durationSeconds: Math.round(info.durationSeconds * 1000) / 1000,
      fps: Math.round(info.fps * 1000) / 1000,
      frames: info.frameCount,
      width: info.width,
      height: info.height,
      codec: info.codec,
      sha256: file ? await sha256File(path) : null,
      fingerprint: Buffer.from(fingerprint).toString("base64"),
    };
  } catch (error) {
    return { problem: "broken", detail: messageOf(error) };
  } finally {
    await video.close();
  }
}

/** Video files with what is known of them. */
export class VideoIndex {
  readonly #path: string;
  readonly #known: Map<string, Entry>;
  readonly #used = new Set<string>();
  readonly #writer: JsonlWriter;
  /** Files that were opened, rather than known from before. */
  opened = 0;

  private constructor(path: string, known: Map<string, Entry>, writer: JsonlWriter) {
    this.#path = path;
    this.#known = known;
    this.#writer = writer;
  }

  /**
   * Opens an index.
   *
   * @param path a JSONL file, made if it is not there; a last line that was cut off is forgotten
   * @param others indices whose entries are taken over, where they are there
   */
  static async open(path: string, others: readonly string[] = []): Promise<VideoIndex> {
    const known = new Map<string, Entry>();
    for (const other of others.filter((file) => existsSync(file) && resolve(file) !== resolve(path)))
      for await (const entry of readJsonl<Entry>(other)) {
        const key = keyFrom(path, resolve(dirname(other), entry.path));
        known.set(key, { ...entry, path: key });
      }
    if (existsSync(path)) {
      await dropCutLine(path);
      for await (const entry of readJsonl<Entry>(path)) known.set(entry.path, entry);
    }
    return new VideoIndex(path, known, await JsonlWriter.open(path));
  }

  /** What is known of a file, looking at it if need be. @param path absolute */
  async facts(path: string): Promise<VideoFacts> {
    const found = await stat(path).catch(() => null);
    if (found === null) return { problem: "missing", detail: "there is no such file" };
    const key = keyFrom(this.#path, path);
    this.#used.add(key);
    const known = this.#known.get(key);
    const modifiedMs = Math.floor(found.mtimeMs);
    if (known?.bytes === found.size && known.modifiedMs === modifiedMs) return known.facts;
    this.opened++;
    const facts = await factsOf(path, found.isFile());
    const entry = { path: key, bytes: found.size, modifiedMs, facts };
    this.#known.set(key, entry);
    await this.#writer.append(entry);
    return facts;
  }

  /** Writes the index anew: only what was asked for, in the order of the paths. */
  async compact(): Promise<void> {
    const lines = [...this.#used].sort().flatMap((key) => {
      const entry = this.#known.get(key);
      return entry === undefined ? [] : [JSON.stringify(entry)];
    });
    await writeFileAtomic(this.#path, lines.length === 0 ? "" : `${lines.join("\n")}\n`);
  }
}

/** A file as the index at `path` calls it. */
function keyFrom(path: string, file: string): string {
  return relative(dirname(resolve(path)), file)
    .split(sep)
    .join("/");
}

/** Rewrites a file without its last line where that has no end, as after a kill. */
async function dropCutLine(path: string): Promise<void> {
  const file = await open(path);
  const { size } = await file.stat();
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, Math.max(0, size - 1));
  await file.close();
  if (size === 0 || buffer[0] === 10) return;
  const text = await readFile(path, "utf8");
  await writeFileAtomic(path, text.slice(0, text.lastIndexOf("\n") + 1));
}

/** The index that lies beside a data set, `videos.jsonl`. */
export function indexBeside(dataset: string): string {
  return resolve(dirname(dataset), "videos.jsonl");
}

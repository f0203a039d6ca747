/**
 * Replies of judge models on disk, one file each, so that a run that was killed goes on where it was and the next
 * one pays only for what is new. Files appear whole or not at all; one that cannot be read is as if it were not
 * there. Any number of processes may share a folder.
 */

import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { messageOf, sha256, UsageError, writeFileAtomic } from "../base/index.ts";

const entrySchema = z.object({
  /** The model's words, unread: how they are read may improve. */
  reply: z.string(),
  promptTokens: z.number(),
  completionTokens: z.number(),
});

/** A kept reply with what it cost. */
export type CachedReply = z.infer<typeof entrySchema>;

/** The replies of one model on one server. */
export class ReplyCache {
  readonly #dir: string;

  private constructor(dir: string) {
    this.#dir = dir;
  }

  /**
   * Opens the part of a folder that belongs to one model, making it if needed.
   *
   * @param owner who replied, such as `http://host:8000/v1#model`
   * @throws UsageError `judge-cache` where the folder cannot be made
   */
  static async open(folder: string, owner: string): Promise<ReplyCache> {
    const slug = owner
      .replace(/^https?:\/\//, "")
      .replace(/[^\w.-]+/g, "-")
      .slice(0, 60);
    const dir = join(folder, `${slug}-${sha256(owner).slice(0, 12)}`);
    await mkdir(dir, { recursive: true }).catch((cause: unknown) => {
      throw new UsageError(
        "judge-cache",
        `${folder}: must be a folder that can be written, got ${messageOf(cause)}`,
        undefined,
        { cause },
      );
    });
    return new ReplyCache(dir);
  }

  /** Whether nothing is kept yet. */
  async isEmpty(): Promise<boolean> {
    return (await readdir(this.#dir)).length === 0;
  }

  /** The reply kept under a key, or null. */
  async get(key: string): Promise<CachedReply | null> {
    const text = await readFile(this.#path(key), "utf8").catch(() => null);
    if (text === null) return null;
    try {
      return entrySchema.parse(JSON.parse(text));
    } catch {
      return null;
    }
  }

  /** Keeps a reply. @throws what the file system says where there is no room */
  async put(key: string, entry: CachedReply): Promise<void> {
    await writeFileAtomic(this.#path(key), `${JSON.stringify(entry)}\n`);
  }

  #path(key: string): string {
    return join(this.#dir, key.slice(0, 2), `${key}.json`);
  }
}

/** Files one after another, read as if they were one. */

import { type FileHandle, open } from "node:fs/promises";

const chunkBytes = 1 << 20;

/** Parts of one file, open for reading. */
export class JoinedFiles {
  /** Of all together, in bytes. */
  readonly size: number;
  readonly #parts: readonly { file: FileHandle; start: number; end: number }[];

  private constructor(parts: readonly { file: FileHandle; start: number; end: number }[]) {
    this.#parts = parts;
    this.size = parts.at(-1)?.end ?? 0;
  }

  /** @param paths in order, at least one */
  static async open(paths: readonly string[]): Promise<JoinedFiles> {
    const parts: { file: FileHandle; start: number; end: number }[] = [];
    try {
      for (const path of paths) {
        const file = await open(path, "r");
        const start = parts.at(-1)?.end ?? 0;
        parts.push({ file, start, end: start });
        const end = start + (await file.stat()).size;
        parts[parts.length - 1] = { file, start, end };
      }
    } catch (error) {
      await Promise.all(parts.map(({ file }) => file.close()));
      throw error;
    }
    return new JoinedFiles(parts);
  }

  /** The bytes from `start` to before `end`, in chunks; fewer where the files end earlier. */
  async *stream(start = 0, end = this.size): AsyncGenerator<Buffer> {
    for (const part of this.#parts) {
      let at = Math.max(start, part.start);
      const stop = Math.min(end, part.end);
      while (at < stop) {
        const chunk = Buffer.allocUnsafe(Math.min(chunkBytes, stop - at));
        const { bytesRead } = await part.file.read(chunk, 0, chunk.length, at - part.start);
        if (bytesRead === 0) return;
        yield chunk.subarray(0, bytesRead);
        at += bytesRead;
      }
    }
  }

  /** Closes all of them. */
  async close(): Promise<void> {
    await Promise.all(this.#parts.map(({ file }) => file.close()));
  }
}

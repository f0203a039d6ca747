/** Remembers which archives are unpacked in a folder, so that they need neither be unpacked nor be there. */

import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../../base/index.ts";

/** Where a folder keeps what is only for us. */
export const privateFolder = ".video-r2";

interface UnpackedRecord {
  archive: string;
  /** What it was: sizes and hashes of its parts. */
  content: string;
  /** Sizes of what it held, by path. */
  files: Record<string, number>;
}

const recordPath = (folder: string, archive: string) =>
  join(folder, privateFolder, "unpacked", `${encodeURIComponent(archive)}.json`);

/**
 * Whether an archive is unpacked in a folder and all of it is still there.
 *
 * @param content tells one edition of the archive from another
 */
export async function isUnpacked(folder: string, archive: string, content: string): Promise<boolean> {
  const text = await readFile(recordPath(folder, archive), "utf8").catch(() => null);
  if (text === null) return false;
  const record = JSON.parse(text) as UnpackedRecord;
  if (record.content !== content) return false;
  for (const [path, size] of Object.entries(record.files))
    if ((await stat(join(folder, path)).catch(() => null))?.size !== size) return false;
  return true;
}

/** Notes that an archive has been unpacked. */
export async function recordUnpacked(
  folder: string,
  archive: string,
  content: string,
  files: ReadonlyMap<string, number>,
): Promise<void> {
  const record: UnpackedRecord = { archive, content, files: Object.fromEntries(files) };
  await writeFileAtomic(recordPath(folder, archive), `${JSON.stringify(record)}\n`);
}

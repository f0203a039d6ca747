/** What archives of any kind are read as. */

/** A file in an archive. */
export interface ArchiveEntry {
  /** As the archive names it. */
  path: string;
  /** In bytes. */
  size: number;
  /** Its bytes; may be asked for once, before the next entry is. */
  content(): AsyncIterable<Uint8Array>;
}

/** An archive that is not one, or ends too early. */
export class ArchiveError extends Error {
  override readonly name = "ArchiveError";
}

/** Progress of writing large files, in megabytes. */

import { Progress } from "../base/index.ts";

/** What is called as bytes are written, and once at the end, also after a failure. */
export interface ByteProgress {
  readonly onProgress: (doneBytes: number, totalBytes: number, note: string) => void;
  readonly finish: () => void;
}

/** Shows how many megabytes are written; nothing before the first are. */
export function byteProgress(label: string, silent: boolean): ByteProgress {
  let progress: Progress | undefined;
  return {
    onProgress: (done, total, note) => {
      const all = Math.ceil(total / 1e6);
      progress ??= new Progress({ label: `${label}, MB`, total: all, silent });
      progress.update(done === total ? all : Math.floor(done / 1e6), note);
    },
    finish: () => progress?.finish(),
  };
}

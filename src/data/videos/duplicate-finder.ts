/** Finds videos that are there twice, under whatever names: by their bytes, then by what they look like. */

import { duplicateThreshold, sameVideo } from "./fingerprint.ts";
import type { SoundVideo } from "./video-index.ts";

/** The video that another one is a copy of. */
export interface Duplicate {
  of: string;
  how: "same bytes" | "same frames";
}

interface Known {
  name: string;
  seconds: number;
  pixels: Uint8Array;
}

/** Copies differ in length by no more: half a second, or 2 % of the longer one. */
const lengthsAgree = (a: number, b: number) => Math.abs(a - b) <= Math.max(0.5, 0.02 * Math.max(a, b));

/** Videos of about one length; neighbours hold all others that may agree. */
const bucketOf = (seconds: number) => Math.floor(Math.log(seconds + 10) / Math.log(1.1));

/** Videos by content. Some 2 kB are held for each. */
export class DuplicateFinder {
  readonly #threshold: number;
  readonly #byBytes = new Map<string, string>();
  readonly #byLength = new Map<number, Known[]>();

  /** @param threshold see `duplicateThreshold`; 0 to compare bytes only */
  constructor(threshold = duplicateThreshold) {
    this.#threshold = threshold;
  }

  /** The first video that was added and is the same, or null. */
  find(video: SoundVideo): Duplicate | null {
    const same = video.sha256 === null ? undefined : this.#byBytes.get(video.sha256);
    if (same !== undefined) return { of: same, how: "same bytes" };
    if (this.#threshold === 0) return null;
    const pixels = pixelsOf(video);
    const bucket = bucketOf(video.durationSeconds);
    for (const at of [bucket - 1, bucket, bucket + 1])
      for (const known of this.#byLength.get(at) ?? [])
        if (
          lengthsAgree(known.seconds, video.durationSeconds) &&
          sameVideo(known.pixels, pixels, this.#threshold)
        )
          return { of: known.name, how: "same frames" };
    return null;
  }

  /** Adds a video under a name. */
  add(name: string, video: SoundVideo): void {
    if (video.sha256 !== null && !this.#byBytes.has(video.sha256)) this.#byBytes.set(video.sha256, name);
    const bucket = bucketOf(video.durationSeconds);
    const known = { name, seconds: video.durationSeconds, pixels: pixelsOf(video) };
    const there = this.#byLength.get(bucket);
    if (there === undefined) this.#byLength.set(bucket, [known]);
    else there.push(known);
  }
}

function pixelsOf(video: SoundVideo): Uint8Array {
  return new Uint8Array(Buffer.from(video.fingerprint, "base64"));
}

/**
 * The index of a video: which frames it shows, in order of presentation, and where decoding can begin. Built
 * from the packets alone, without decoding.
 */

/** What is known of one packet of the video stream, in the order of the file. */
export interface PacketEntry {
  /** Presentation time in units of the stream; NaN where the container has none. */
  readonly pts: number;
  /** Decoding time in units of the stream; NaN where the container has none. */
  readonly dts: number;
  readonly key: boolean;
  /** Needed for decoding but not shown (outside an edit list). */
  readonly discard: boolean;
  readonly corrupt: boolean;
  /** In units of the stream; 0 where unknown. */
  readonly duration: number;
}

/** Frames and seek points of a stream. */
export interface PacketIndex {
  /** Presentation times of the frames shown, ascending; frame `i` is the one at `pts[i]`. */
  readonly pts: Float64Array;
  /** Key packets sorted by presentation time, with their place in the file. */
  readonly keys: readonly { readonly pts: number; readonly ordinal: number }[];
  /** Place in the file of the packet with this presentation time. */
  readonly ordinals: ReadonlyMap<number, number>;
  /** True where packets have no times (AVI with B-frames): frames are counted instead, from the beginning. */
  readonly counted: boolean;
  /**
   * Time of each frame in units of the stream, ascending: `pts`, or where frames are counted their decoding times,
   * which are the same moments in another order. Empty where packets have neither.
   */
  readonly times: Float64Array;
  /** Duration of the last frame, in units of the stream; 0 where unknown. */
  readonly lastDuration: number;
  /** Packets that the container marks as damaged. */
  readonly corrupt: number;
  /** Packets of the stream. */
  readonly packets: number;
}

/**
 * Sorts packets into frames. A damaged packet at the very end of the file is what is left of a cut: it is not
 * counted as a frame, because decoders answer it with a copy of the frame before.
 */
export function indexPackets(entries: readonly PacketEntry[]): PacketIndex {
  const corrupt = entries.filter((entry) => entry.corrupt).length;
  let end = entries.length;
  while (end > 0 && entries[end - 1]?.corrupt) end--;
  const kept = entries.slice(0, end);
  const counted = kept.some((entry) => Number.isNaN(entry.pts));
  const shown = kept.filter((entry) => !entry.discard);
  const pts = counted
    ? Float64Array.from(shown.keys())
    : Float64Array.from(new Set(shown.map((entry) => entry.pts))).sort();
  const ordinals = new Map(counted ? [] : kept.map((entry, ordinal) => [entry.pts, ordinal]));
  const keys = counted
    ? []
    : kept
        .map((entry, ordinal) => ({ pts: entry.pts, ordinal, key: entry.key }))
        .filter((entry) => entry.key)
        .sort((a, b) => a.pts - b.pts);
  const last = pts.at(-1);
  const dts = Float64Array.from(shown, (entry) => entry.dts).sort();
  const times = !counted ? pts : dts.some(Number.isNaN) ? new Float64Array(0) : dts;
  const lastDuration = counted ? 0 : (shown.find((entry) => entry.pts === last)?.duration ?? 0);
  return { pts, keys, ordinals, counted, times, lastDuration, corrupt, packets: entries.length };
}

/** The last key packet at or before a presentation time, or undefined if there is none. */
export function keyBefore(index: PacketIndex, pts: number): { pts: number; ordinal: number } | undefined {
  let low = 0;
  let high = index.keys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((index.keys[middle]?.pts ?? 0) <= pts) low = middle + 1;
    else high = middle;
  }
  return index.keys[low - 1];
}

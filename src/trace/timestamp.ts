/** One time in a video as text: `01:45`, `1:02:03.5`, `12.5 s`, `1m30s`. */

/**
 * Writes a time as `MM:SS`, or `H:MM:SS` from one hour on; the fraction of a second is cut, as on the frames.
 *
 * @param seconds from the start of the video; below 0 counts as 0
 */
export function formatTimestamp(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const pad = (n: number) => String(n).padStart(2, "0");
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return h > 0 ? `${h}:${pad(m)}:${pad(s)}` : `${pad(m)}:${pad(s)}`;
}

/** Writes a point in time as `MM:SS` and an interval as `MM:SS-MM:SS`. */
export function formatInterval(startSeconds: number, endSeconds: number): string {
  const [start, end] = [formatTimestamp(startSeconds), formatTimestamp(endSeconds)];
  return start === end ? start : `${start}-${end}`;
}

const clock = /^(?:(\d{1,3}):)?(\d{1,3}):([0-5]\d)(?:[.,](\d{1,3}))?$/;
const units =
  /^(?:(\d+)\s*(?:hours?|hrs?|h)[\s,]*)?(?:(\d+(?:\.\d+)?)\s*(?:minutes?|mins?|m)(?:\s*,|\s+and\b)?\s*)?(?:(\d+(?:\.\d+)?)\s*(?:seconds?|secs?|s))?$/i;

/**
 * Reads one time that fills the whole text: a clock (`1:45`, `00:01:45.5`), units (`12.5 s`, `1m30s`,
 * `1 minute and 30 seconds`), or a bare number, taken as seconds. Null for anything else.
 */
export function parseTimestamp(text: string): number | null {
  const trimmed = text.trim();
  const asClock = clock.exec(trimmed);
  if (asClock) {
    const [, h, m, s, fraction] = asClock;
    if (h !== undefined && Number(m) > 59) return null;
    return Number(h ?? 0) * 3600 + Number(m) * 60 + Number(`${s}.${fraction ?? 0}`);
  }
  if (/^\d+(?:\.\d+)?$/.test(trimmed)) return Number(trimmed);
  const asUnits = units.exec(trimmed);
  if (!asUnits || trimmed === "") return null;
  return Number(asUnits[1] ?? 0) * 3600 + Number(asUnits[2] ?? 0) * 60 + Number(asUnits[3] ?? 0);
}

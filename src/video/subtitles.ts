/** Subtitle cues: reading SRT and WebVTT, writing SRT. Markup is dropped, only the words stay. */

import { readFile } from "node:fs/promises";
import { messageOf, UsageError } from "../base/index.ts";

/** One subtitle: its text is on screen from `startSeconds` to `endSeconds` (not before 0, end after start). */
export interface Cue {
  startSeconds: number;
  endSeconds: number;
  /** Plain text; lines are separated by `\n`. */
  text: string;
}

const clock = String.raw`(?:(\d+):)?(\d{1,2}):(\d{1,2})(?:[.,](\d{1,3}))?`;
const timing = new RegExp(`^\\s*${clock}\\s*-->\\s*${clock}`);

/**
 * Cues of an SRT or WebVTT text, sorted by start. Blocks without a readable time line, with an end that is not
 * after the start, or without words are left out, as players do.
 *
 * @throws UsageError `subtitles-unreadable` if the text has words but not one cue
 */
export function parseSubtitles(text: string): Cue[] {
  const lines = text.replace(/^\uFEFF/, "").split(/\r\n|\r|\n/);
  const cues: Cue[] = [];
  for (let i = 0; i < lines.length; i++) {
    const match = timing.exec(lines[i] ?? "");
    if (!match) continue;
    const body: string[] = [];
    while (i + 1 < lines.length && (lines[i + 1] ?? "").trim() !== "" && !timing.test(lines[i + 1] ?? "")) {
      body.push(lines[++i] ?? "");
    }
    // Files without blank lines between cues leave the next cue's number as the last line of this one.
    if (timing.test(lines[i + 1] ?? "") && /^\d+$/.test(body.at(-1)?.trim() ?? "")) body.pop();
    const cue = {
      startSeconds: seconds(match, 1),
      endSeconds: seconds(match, 5),
      text: plainText(body.join("\n")),
    };
    if (cue.text !== "" && cue.endSeconds > cue.startSeconds) cues.push(cue);
  }
  if (cues.length === 0 && text.trim() !== "" && !/^\uFEFF?WEBVTT/.test(text)) {
    throw new UsageError(
      "subtitles-unreadable",
      "subtitles: must be SRT or WebVTT with lines like `00:00:01,000 --> 00:00:04,000`, got no such line with words under it",
    );
  }
  return cues.sort((a, b) => a.startSeconds - b.startSeconds);
}

/**
 * Reads an SRT or WebVTT file (UTF-8, or UTF-16 with a byte order mark).
 *
 * @throws UsageError `subtitles-unreadable`
 */
export async function readSubtitles(path: string): Promise<Cue[]> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw new UsageError(
      "subtitles-unreadable",
      `subtitles ${path}: must be a readable file, got ${messageOf(cause)}`,
      undefined,
      {
        cause,
      },
    );
  }
  const encoding =
    bytes[0] === 0xff && bytes[1] === 0xfe
      ? "utf-16le"
      : bytes[0] === 0xfe && bytes[1] === 0xff
        ? "utf-16be"
        : "utf-8";
  try {
    return parseSubtitles(new TextDecoder(encoding).decode(bytes));
  } catch (cause) {
    throw cause instanceof UsageError
      ? new UsageError(cause.code, `${path}: ${cause.message}`, cause.hint)
      : cause;
  }
}

/** Cues as the text of an SRT file; reading it back gives the same cues to the millisecond. */
export function formatSrt(cues: readonly Cue[]): string {
  return cues
    .map((cue, i) => `${i + 1}\n${srtTime(cue.startSeconds)} --> ${srtTime(cue.endSeconds)}\n${cue.text}\n`)
    .join("\n");
}

/**
 * Words without markup: HTML and WebVTT tags, ASS override blocks, and entities of the usual characters.
 *
 * @param markup as it stands in the file
 */
export function plainText(markup: string): string {
  return markup
    .replace(/\{\\[^}]*\}/g, "")
    .replace(/<\/?[a-zA-Z0-9][^<>]*>/g, "")
    .replace(/&(amp|lt|gt|nbsp|lrm|rlm|quot|#39);/g, (_, name: string) => entities[name] ?? "")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .join("\n");
}

/**
 * Cues that do not overlap, in order, for formats that show one text at a time: where cues overlap, their texts
 * stand under each other.
 */
export function flattenCues(cues: readonly Cue[]): Cue[] {
  const times = [...new Set(cues.flatMap((cue) => [cue.startSeconds, cue.endSeconds]))].sort((a, b) => a - b);
  const flat: Cue[] = [];
  for (let i = 0; i + 1 < times.length; i++) {
    const startSeconds = times[i] ?? 0;
    const endSeconds = times[i + 1] ?? 0;
    const active = cues.filter((cue) => cue.startSeconds <= startSeconds && cue.endSeconds >= endSeconds);
    if (active.length === 0) continue;
    const text = active.map((cue) => cue.text).join("\n");
    const last = flat.at(-1);
    if (last && last.endSeconds === startSeconds && last.text === text) last.endSeconds = endSeconds;
    else flat.push({ startSeconds, endSeconds, text });
  }
  return flat;
}

const entities: Record<string, string> = { amp: "&", lt: "<", gt: ">", nbsp: " ", quot: '"', "#39": "'" };

function seconds(match: RegExpExecArray, at: number): number {
  const [hours, minutes, whole, fraction] = [match[at], match[at + 1], match[at + 2], match[at + 3]];
  const milliseconds = Number((fraction ?? "0").padEnd(3, "0"));
  return Number(hours ?? 0) * 3600 + Number(minutes) * 60 + Number(whole) + milliseconds / 1000;
}

function srtTime(time: number): string {
  const ms = Math.round(time * 1000);
  const part = (value: number, digits: number) => String(Math.floor(value)).padStart(digits, "0");
  return `${part(ms / 3_600_000, 2)}:${part((ms / 60_000) % 60, 2)}:${part((ms / 1000) % 60, 2)},${part(ms % 1000, 3)}`;
}

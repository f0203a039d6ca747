/** What the terminal shows: colour where it is wanted, errors without insides. */

import { UsageError } from "../base/index.ts";

/** Styles of text; each gives the text back as it is where colour is not wanted. */
export interface Palette {
  bold: (text: string) => string;
  dim: (text: string) => string;
  red: (text: string) => string;
  green: (text: string) => string;
  yellow: (text: string) => string;
}

/** Styles for a stream: on a terminal only, and never with `NO_COLOR` (no-color.org). */
export function paletteFor(stream: { isTTY?: boolean }): Palette {
  const wanted = stream.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== "dumb";
  const style = (open: number, close: number) => (text: string) =>
    wanted ? `\u001b[${open}m${text}\u001b[${close}m` : text;
  return {
    bold: style(1, 22),
    dim: style(2, 22),
    red: style(31, 39),
    green: style(32, 39),
    yellow: style(33, 39),
  };
}

/** An error as JSON and for people; only bugs of ours have anything else than code, message and hint. */
export interface ShownError {
  code: string;
  message: string;
  hint?: string;
}

/** What users are told of anything thrown. */
export function shownError(error: unknown): ShownError {
  if (error instanceof UsageError) return error.toJSON();
  const message = error instanceof Error ? error.message : String(error);
  return {
    code: "internal",
    message: message || "an error without a message",
    hint: "This is a fault of video-r2. VIDEO_R2_DEBUG=1 shows where it happened; please report it with that.",
  };
}

/** Text of a model as it may be shown: without the control characters by which a terminal is steered. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "\ufffd");
}

/** Text in lines of at most `width` characters, the first after `first`, the others after as many spaces. */
export function hanging(first: string, text: string, width: number): string {
  const indent = " ".repeat(first.length);
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/)) {
    if (line !== "" && first.length + line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  lines.push(line);
  return lines.map((l, i) => (i === 0 ? first : indent) + l).join("\n");
}

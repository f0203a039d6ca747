/**
 * Messages in the OpenAI protocol. A video goes as its frames, JPEG images each after its time as text, or whole
 * as `video_url`, which vLLM, SGLang and our own server take.
 */

import { readFile } from "node:fs/promises";
import { extname } from "node:path";
import { messageOf, UsageError } from "../base/index.ts";
import { encodeJpeg } from "../video/index.ts";
import type { ChatMessage, ContentPart, VideoFrame } from "./chat-model.ts";

/** How videos are sent: as images of their frames, or as the whole file. */
export type VideoTransport = "frames" | "file";

const mediaTypes: Record<string, string> = {
  ".mp4": "video/mp4",
  ".m4v": "video/mp4",
  ".mov": "video/quicktime",
  ".mkv": "video/x-matroska",
  ".webm": "video/webm",
  ".avi": "video/x-msvideo",
};

/** The text before a frame: its time, `[MM:SS.d]`, to a tenth of a second. */
export function frameLabel(seconds: number): string {
  const tenths = Math.max(0, Math.round(seconds * 10));
  const [minutes, rest] = [Math.floor(tenths / 600), tenths % 600];
  return `[${String(minutes).padStart(2, "0")}:${String(Math.floor(rest / 10)).padStart(2, "0")}.${rest % 10}]`;
}

/** A file as a data URL. @throws UsageError `video-unreadable` */
async function fileUrl(path: string): Promise<string> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new UsageError(
      "video-unreadable",
      `${path}: must be a readable file, got ${messageOf(cause)}`,
      undefined,
      {
        cause,
      },
    );
  });
  const type = mediaTypes[extname(path).toLowerCase()] ?? "video/mp4";
  return `data:${type};base64,${bytes.toString("base64")}`;
}

const frameParts = new WeakMap<readonly VideoFrame[], Buffer>();

/**
 * Frames as parts of a message, in JSON without its brackets: encoded once, however many questions are asked about
 * them, and kept as long as they are. So frames must not change once they were asked about.
 */
function partsOfFrames(frames: readonly VideoFrame[]): Buffer {
  let parts = frameParts.get(frames);
  if (parts === undefined) {
    const each = frames.map((frame) => {
      const jpeg = Buffer.from(encodeJpeg(frame)).toString("base64");
      const picture = { type: "image_url", image_url: { url: `data:image/jpeg;base64,${jpeg}` } };
      return `${JSON.stringify({ type: "text", text: frameLabel(frame.seconds) })},${JSON.stringify(picture)}`;
    });
    parts = Buffer.from(each.join(","));
    frameParts.set(frames, parts);
  }
  return parts;
}

/** JSON in pieces: bytes where it was written before. */
type Json = (string | Buffer)[];

/** An array in JSON. */
function arrayOf(items: readonly Json[]): Json {
  return ["[", ...items.flatMap((item, i) => (i === 0 ? item : [",", ...item])), "]"];
}

async function partJson(part: ContentPart, transport: VideoTransport): Promise<Json> {
  if (part.type === "text") return [JSON.stringify(part)];
  const { frames, path } = part.video;
  if (transport === "frames") return [partsOfFrames(frames)];
  if (path === undefined)
    throw new UsageError(
      "video-without-file",
      "video: must come from a file to be sent whole, got frames only",
      "Send it as frames.",
    );
  return [JSON.stringify({ type: "video_url", video_url: { url: await fileUrl(path) } })];
}

async function messageJson({ role, content }: ChatMessage, transport: VideoTransport): Promise<Json> {
  const said =
    typeof content === "string"
      ? [JSON.stringify(content)]
      : arrayOf(await Promise.all(content.map((part) => partJson(part, transport))));
  return [`{"role":${JSON.stringify(role)},"content":`, ...said, "}"];
}

/**
 * The body of a chat request: JSON with the messages in the protocol's form, and the other fields, at least one, as
 * they are. A video that was sent before is copied into it and not written anew.
 *
 * @throws UsageError if a file that is to be sent cannot be read
 */
export async function chatBody(
  messages: readonly ChatMessage[],
  transport: VideoTransport,
  fields: Record<string, unknown>,
): Promise<Buffer> {
  const said = await Promise.all(messages.map((message) => messageJson(message, transport)));
  const body: Json = ['{"messages":', ...arrayOf(said), `,${JSON.stringify(fields).slice(1)}`];
  return Buffer.concat(body.map((piece) => (typeof piece === "string" ? Buffer.from(piece) : piece)));
}

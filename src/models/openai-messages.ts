/**
 * Messages in the OpenAI protocol. A video goes as its frames, JPEG images each after its time as text, or whole
 * as `video_url`, which vLLM, SGLang and our own server take.
 */

import { readFile } from "node:fs/promises";
import { extname } from "node:path";
import type {
  ChatCompletionContentPart,
  ChatCompletionMessageParam,
} from "openai/resources/chat/completions";
import { messageOf, UsageError } from "../base/index.ts";
import { encodeJpeg } from "../video/index.ts";
import type { ChatMessage, ContentPart, VideoInput } from "./chat-model.ts";

/** How videos are sent: as images of their frames, or as the whole file. */
export type VideoTransport = "frames" | "file";

/** A part that is no part of OpenAI's own types, but of the servers that take videos. */
interface VideoUrlPart {
  type: "video_url";
  video_url: { url: string };
}

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

async function videoParts(
  video: VideoInput,
  transport: VideoTransport,
): Promise<(ChatCompletionContentPart | VideoUrlPart)[]> {
  if (transport === "file") {
    if (video.path === undefined)
      throw new UsageError(
        "video-without-file",
        "video: must come from a file to be sent whole, got frames only",
        "Send it as frames.",
      );
    return [{ type: "video_url", video_url: { url: await fileUrl(video.path) } }];
  }
  const parts: ChatCompletionContentPart[] = [];
  for (const frame of video.frames) {
    const jpeg = Buffer.from(await encodeJpeg(frame));
    parts.push(
      { type: "text", text: frameLabel(frame.seconds) },
      { type: "image_url", image_url: { url: `data:image/jpeg;base64,${jpeg.toString("base64")}` } },
    );
  }
  return parts;
}

async function contentParts(
  content: readonly ContentPart[],
  transport: VideoTransport,
): Promise<ChatCompletionContentPart[]> {
  const parts = await Promise.all(
    content.map(async (part) => (part.type === "text" ? [part] : videoParts(part.video, transport))),
  );
  return parts.flat() as ChatCompletionContentPart[];
}

/** Writes messages in the protocol's form. @throws UsageError if a file that is to be sent cannot be read */
export async function toOpenAIMessages(
  messages: readonly ChatMessage[],
  transport: VideoTransport,
): Promise<ChatCompletionMessageParam[]> {
  return Promise.all(
    messages.map(
      async ({ role, content }) =>
        ({
          role,
          content: typeof content === "string" ? content : await contentParts(content, transport),
        }) as ChatCompletionMessageParam,
    ),
  );
}

/** Messages of a request as the models layer has them: images in a row, each after its time, become one video. */

import type { ChatMessage, ContentPart, FrameSampling, VideoFrame } from "../models/index.ts";
import { parseTimestamp } from "../trace/index.ts";
import type { ChatRequest, RequestPart } from "./chat-request.ts";
import { HttpError } from "./http-error.ts";
import { readImage, readVideo } from "./read-media.ts";

/** What the media of a request may be, and how they are read. */
export interface MediaRules {
  /** How the model wants its frames. */
  sampling: FrameSampling;
  /** Folders below which `file:` URLs may point. */
  mediaRoots: readonly string[];
  /** Most images in a request. */
  maxImages: number;
}

const label = /^\s*[[<(]?\s*(?:frame\s+at\s+|time\s*[:=]\s*)?([\d:.]+\s*(?:s|seconds)?)\s*[\])>]?\s*:?\s*$/i;

/** The time that a text before an image gives, or null where it is other text. */
function labelSeconds(part: RequestPart | undefined): number | null {
  const text = part?.type === "text" ? label.exec(part.text)?.[1] : undefined;
  return text === undefined ? null : parseTimestamp(text);
}

interface Run {
  frames: { image: Omit<VideoFrame, "seconds">; seconds: number | null }[];
}

function toVideo(run: Run, sampling: FrameSampling, sampleFps: number | undefined): ContentPart {
  const frames = run.frames.map(({ image, seconds }, i) => ({
    ...image,
    seconds: seconds ?? i / sampling.fps,
  }));
  const span = (frames.at(-1)?.seconds ?? 0) - (frames[0]?.seconds ?? 0);
  const spacing = span > 0 ? (frames.length - 1) / span : sampling.fps;
  return { type: "video", video: { frames, sampleFps: sampleFps ?? spacing } };
}

/** Collects a message's parts; a run of images ends where anything but a time stands between. */
class Parts {
  readonly parts: ContentPart[] = [];
  readonly #rules: MediaRules;
  readonly #rates: number[];
  #run: Run | null = null;

  constructor(rules: MediaRules, rates: number[]) {
    this.#rules = rules;
    this.#rates = rates;
  }

  text(text: string): void {
    this.end();
    this.parts.push({ type: "text", text });
  }

  async image(url: string, seconds: number | null, param: string): Promise<void> {
    const image = await readImage(url, this.#rules.sampling, param);
    const last = this.#run?.frames.at(-1);
    const fits =
      last &&
      last.image.width === image.width &&
      last.image.height === image.height &&
      (last.seconds === null) === (seconds === null);
    if (!fits) this.end();
    this.#run ??= { frames: [] };
    this.#run.frames.push({ image, seconds });
  }

  async video(url: string, param: string): Promise<void> {
    this.end();
    const { sampling, mediaRoots } = this.#rules;
    this.parts.push({ type: "video", video: await readVideo(url, sampling, mediaRoots, param) });
  }

  end(): void {
    if (this.#run) this.parts.push(toVideo(this.#run, this.#rules.sampling, this.#rates.shift()));
    this.#run = null;
  }
}

/**
 * Reads the messages of a request with their media.
 *
 * @throws HttpError 400 for media that cannot be taken
 */
export async function readMessages(request: ChatRequest, rules: MediaRules): Promise<ChatMessage[]> {
  const images = request.messages.flatMap(({ content }) =>
    typeof content === "string" ? [] : content.filter((part) => part.type === "image_url"),
  );
  if (images.length > rules.maxImages)
    throw new HttpError(
      400,
      "too_many_images",
      `messages: must have at most ${rules.maxImages} images, got ${images.length}`,
      "messages",
    );
  const rates = [...(request.video_r2?.sample_fps ?? [])];
  const messages: ChatMessage[] = [];
  for (const [m, { role, content }] of request.messages.entries()) {
    const spoken = role === "developer" ? "system" : role;
    if (typeof content === "string") {
      messages.push({ role: spoken, content });
      continue;
    }
    const parts = new Parts(rules, rates);
    for (const [p, part] of content.entries()) {
      const param = `messages[${m}].content[${p}]`;
      if (part.type === "video_url") await parts.video(part.video_url.url, param);
      else if (part.type === "image_url")
        await parts.image(part.image_url.url, labelSeconds(content[p - 1]), param);
      else if (content[p + 1]?.type !== "image_url" || labelSeconds(part) === null) parts.text(part.text);
    }
    parts.end();
    messages.push({ role: spoken, content: parts.parts });
  }
  return messages;
}

/** Validation at the boundary of every runtime, so that all of them refuse the same things in the same words. */

import { UsageError } from "../base/index.ts";
import { type ChatMessage, type GenerateOptions, videosOf } from "./chat-model.ts";

function refuse(what: string, rule: string, got: unknown, hint?: string): never {
  throw new UsageError("chat-invalid", `${what}: must ${rule}, got ${String(got)}`, hint);
}

function checkRange(what: string, value: number | undefined, low: number, high: number, rule: string): void {
  if (value !== undefined && !(value >= low && value <= high)) refuse(what, rule, value);
}

/** @throws UsageError `chat-invalid` naming the option, its rule and its value */
export function checkGenerateOptions(options: GenerateOptions): void {
  const { maxTokens, temperature, topP, topK, seed, stop } = options;
  if (maxTokens !== undefined && !(Number.isInteger(maxTokens) && maxTokens >= 1))
    refuse("maxTokens", "be an integer of at least 1", maxTokens);
  checkRange("temperature", temperature, 0, 2, "be from 0 to 2");
  checkRange("topP", topP, Number.MIN_VALUE, 1, "be above 0 and at most 1");
  if (topK !== undefined && !(Number.isInteger(topK) && topK >= 0))
    refuse("topK", "be an integer of at least 0", topK);
  if (seed !== undefined && !(Number.isSafeInteger(seed) && seed >= 0))
    refuse("seed", "be an integer of at least 0", seed);
  if (stop?.includes("")) refuse("stop", "not contain an empty text", JSON.stringify(stop));
}

/** @throws UsageError `chat-invalid` for an empty conversation, or a video whose frames do not fit together */
export function checkMessages(messages: readonly ChatMessage[]): void {
  if (messages.length === 0) refuse("messages", "hold at least one message", "none");
  if (messages.at(-1)?.role !== "user") refuse("messages", "end with one of the user", messages.at(-1)?.role);
  for (const { frames, sampleFps } of videosOf(messages)) {
    const first = frames[0];
    if (first === undefined) refuse("video", "have at least one frame", "none");
    if (!(sampleFps > 0)) refuse("video", "have a sampling rate above 0", sampleFps);
    for (const { width, height, data } of frames) {
      if (width !== first.width || height !== first.height)
        refuse("video", `have frames of one size, ${first.width}x${first.height}`, `${width}x${height}`);
      if (data.length !== width * height * 3)
        refuse("video", `have ${width * height * 3} bytes a frame`, data.length);
    }
  }
}

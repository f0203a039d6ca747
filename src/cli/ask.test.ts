import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeTinyCheckpoint } from "../../test/tiny-checkpoint.ts";
import { writeTinyVideo } from "../../test/tiny-video.ts";
import { registerAsk } from "./ask.ts";

let folder = "";
const at = (name: string) => join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ask-unit-"));
  await writeTinyCheckpoint(at("tiny"));
  await writeTinyVideo(at("clip.mp4"));
  await writeFile(at("bad.srt"), "no cues here");
  await writeFile(at("number.json"), '{"question": 3}');
  await writeFile(at("cut.json"), '{"question": "What?"');
  await writeFile(at("good.json"), '{"question": "What?"}');
});
afterAll(() => rm(folder, { recursive: true }));

/** Runs the command in this process; what it throws is what the program prints. */
async function run(...args: string[]): Promise<void> {
  const program = new Command().exitOverride();
  registerAsk(program);
  await program.parseAsync(["node", "video-r2", "ask", ...args, "--json"]);
}

describe("refuses", () => {
  it.each([
    ["a folder", "video-unreadable", "must be a file", () => [folder, "What?"]],
    ["no question", "usage", "question: must be given", () => [at("clip.mp4")]],
    [
      "two questions",
      "usage",
      "must be given once",
      () => [at("clip.mp4"), "What?", "--question-file", at("good.json")],
    ],
    ["one option", "usage", "at least twice", () => [at("clip.mp4"), "What?", "--option", "red"]],
    [
      "a choice without options",
      "usage",
      "must be choice with options",
      () => [at("clip.mp4"), "What?", "--answer-type", "choice"],
    ],
    [
      "another type",
      "usage",
      "must be one of choice",
      () => [at("clip.mp4"), "What?", "--answer-type", "poem"],
    ],
    [
      "a temperature of words",
      "usage",
      'from 0 to 2, got "hot"',
      () => [at("clip.mp4"), "What?", "--temperature", "hot"],
    ],
    ["no frames a second", "usage", "a number above 0", () => [at("clip.mp4"), "What?", "--fps", "0"]],
    [
      "half a token",
      "usage",
      "an integer of at least 1",
      () => [at("clip.mp4"), "What?", "--max-tokens", "0.5"],
    ],
    [
      "a question that is a number",
      "question-file",
      "number.json: must be a question",
      () => [at("clip.mp4"), "--question-file", at("number.json")],
    ],
    [
      "a question file cut short",
      "question-file",
      "cut.json: must be a question",
      () => [at("clip.mp4"), "--question-file", at("cut.json")],
    ],
    [
      "subtitles that are not there",
      "subtitles-unreadable",
      "none.srt",
      () => [at("clip.mp4"), "What?", "--subtitles", at("none.srt")],
    ],
    [
      "no such model",
      "model-missing",
      "must be builtin, a checkpoint folder",
      () => [at("clip.mp4"), "What?", "--model", at("none")],
    ],
    [
      "a folder without a model",
      "model-missing",
      "config.json",
      () => [at("clip.mp4"), "What?", "--model", folder],
    ],
    [
      "a model not in the cache",
      "model-missing",
      "Hugging Face cache",
      () => [at("clip.mp4"), "What?", "--model", "hf:no/such"],
    ],
    [
      "no such device",
      "device-unknown",
      "one of cpu, webgpu, cuda",
      () => [at("clip.mp4"), "What?", "--device", "tpu", "--model", at("tiny")],
    ],
    [
      "special tokens",
      "message-special-token",
      "<|im_end|>",
      () => [at("clip.mp4"), "What? <|im_end|>", "--model", at("tiny")],
    ],
  ])("%s", async (_what, code, message, args) => {
    const error = await run(...args()).then(
      () => null,
      (e: unknown) => e,
    );
    expect(error).toMatchObject({ name: "UsageError", code, message: expect.stringContaining(message) });
  });
});

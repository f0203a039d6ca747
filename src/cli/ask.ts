/** `video-r2 ask`: one question about one video, answered with reasoning that can be checked. */

import type { Command } from "commander";
import { UsageError } from "../base/index.ts";
import { type AskResult, type AskSamplesResult, ask, askSamples } from "../evaluation/index.ts";
import { type ChatModel, openModel } from "../models/index.ts";
import { type AnswerType, answerTypes, parseOptions } from "../trace/index.ts";
import { openVideo, readSubtitles, type SampledVideo, type Video } from "../video/index.ts";
import { type AskContext, askHead, askJson, askReport, voteJson, voteReport } from "./ask-report.ts";
import { choiceFlag, collect, integerFlag, numberFlag } from "./flags.ts";
import { interruptible } from "./interrupt.ts";
import { LiveReasoning } from "./live-reasoning.ts";
import { type QuestionFile, readQuestionFile } from "./question-file.ts";
import { type Palette, paletteFor, printable } from "./terminal.ts";

interface AskFlags {
  option?: string[];
  questionFile?: string;
  answerType?: AnswerType;
  subtitles?: string;
  model: string;
  device?: string;
  sendAs?: "frames" | "file";
  samples: number;
  seed?: number;
  temperature?: number;
  topP?: number;
  topK?: number;
  maxTokens?: number;
  fps?: number;
  maxFrames?: number;
  timestamps?: boolean;
  json?: boolean;
}

const examples = `
Examples:
  $ video-r2 ask clip.mp4 "Which shape appears first?" --option "red circle" --option "blue square"
  $ video-r2 ask clip.mp4 "How many stars are there?" --answer-type number --json
  $ video-r2 ask clip.mp4 "Which shape appears first?" --option circle --option square --samples 8
  $ video-r2 ask talk.mp4 "What is built there?" --subtitles talk.srt --model http://localhost:8001/v1#Qwen2.5-VL-7B

Models: builtin (comes with this package; knows the synthetic world of \`video-r2 data synth\` only), a checkpoint
folder, hf:org/name (from the local Hugging Face cache), or http://host:port/v1#model-name.`;

/** Adds the command. */
export function registerAsk(program: Command): void {
  program
    .command("ask")
    .description("ask a model about a video; show its reasoning, the times it cites, and whether both agree")
    .argument("<video>", "path of a video file")
    .argument("[question]", "the question (or --question-file)")
    .option("--option <text>", "an option of a multiple-choice question; repeat it", collect)
    .option("--question-file <file>", "JSON with question, options, answerType, subtitles, answer")
    .option(
      "--answer-type <type>",
      `how the answer is written: ${answerTypes.join(", ")}`,
      choiceFlag("--answer-type", answerTypes),
    )
    .option("--subtitles <file>", "SRT or WebVTT to draw on the frames, or `embedded` for the video's own")
    .option("--model <model>", "who answers; see below", "builtin")
    .option("--device <device>", "where a checkpoint runs: cpu, webgpu or cuda")
    .option(
      "--send-as <form>",
      "how a server gets the video: frames or file",
      choiceFlag("--send-as", ["frames", "file"]),
    )
    .option(
      "--samples <n>",
      "ask so often, drop inconsistent answers, let the rest vote",
      integerFlag("--samples", 1),
      1,
    )
    .option("--seed <n>", "seed of the sampling", integerFlag("--seed", 0))
    .option(
      "--temperature <x>",
      "0 gives the likeliest words (default; with --samples 0.7)",
      numberFlag("--temperature", 0, 2),
    )
    .option(
      "--top-p <p>",
      "sample from the likeliest tokens of this probability",
      numberFlag("--top-p", 0, 1, true),
    )
    .option("--top-k <k>", "sample from so many likeliest tokens", integerFlag("--top-k", 0))
    .option("--max-tokens <n>", "most tokens of the reply (default 512)", integerFlag("--max-tokens", 1))
    .option(
      "--fps <x>",
      "frames per second that are looked at",
      numberFlag("--fps", 0, Number.POSITIVE_INFINITY, true),
    )
    .option("--max-frames <n>", "at most so many frames", integerFlag("--max-frames", 2))
    .option("--timestamps", "draw the time on the frames (default: as the model was trained)")
    .option("--no-timestamps", "do not draw it")
    .option("--json", "print one JSON document and nothing else")
    .addHelpText("after", examples)
    .action(async (video: string, question: string | undefined, flags: AskFlags) => {
      process.exitCode = await interruptible((signal) => run(video, question, flags, signal));
    });
}

/** The question from the words and the file. @throws UsageError `usage` if there is none, or two */
async function readQuestion(words: string | undefined, flags: AskFlags): Promise<QuestionFile> {
  const file = flags.questionFile === undefined ? null : await readQuestionFile(flags.questionFile);
  if (file && words !== undefined)
    throw new UsageError("usage", "question: must be given once, got words and --question-file");
  const question = words?.trim() || file?.question;
  if (!question)
    throw new UsageError(
      "usage",
      "question: must be given, got none",
      'Write it after the video: video-r2 ask clip.mp4 "What happens?"',
    );
  const options = flags.option ? parseOptions(flags.option).map(({ text }) => text) : (file?.options ?? []);
  if (options.length === 1)
    throw new UsageError("usage", "--option: must be given at least twice or not at all, got 1");
  if (options.length > 26)
    throw new UsageError("usage", `--option: must be given at most 26 times, got ${options.length}`);
  const answerType = flags.answerType ?? file?.answerType;
  if (flags.samples > 1 && flags.temperature === 0)
    throw new UsageError("usage", "--temperature: must be above 0 with --samples, got 0");
  if (answerType !== undefined && (answerType === "choice") !== options.length > 0)
    throw new UsageError(
      "usage",
      `--answer-type: must be choice with options and another without, got ${answerType}`,
    );
  const subtitles = flags.subtitles ?? file?.subtitles;
  return {
    question,
    options,
    ...(answerType === undefined ? {} : { answerType }),
    ...(subtitles === undefined ? {} : { subtitles }),
    ...(file?.answer === undefined ? {} : { answer: file.answer }),
  };
}

/** Shows the reasoning as it comes. */
class Screen {
  readonly #live = new LiveReasoning();
  readonly #palette: Palette;

  constructor(palette: Palette) {
    this.#palette = palette;
  }

  begin(path: string, durationSeconds: number, frames: number): void {
    process.stderr.write(`${this.#palette.dim(askHead(path, durationSeconds, frames))}\n`);
  }

  text(piece: string): void {
    process.stdout.write(printable(this.#live.push(piece)));
  }

  sampled(done: number, of: number): void {
    if (process.stderr.isTTY)
      process.stderr.write(`\r\u001b[2K${done < of ? `${done} of ${of} answers` : ""}`);
  }

  end(report: string): void {
    process.stdout.write(`${printable(this.#live.end())}\n${report}`);
  }
}

async function run(
  path: string,
  words: string | undefined,
  flags: AskFlags,
  signal: AbortSignal,
): Promise<number> {
  const asked = await readQuestion(words, flags);
  // What the user can get wrong is read before the model, which takes longer.
  const begun = performance.now();
  const video = await openVideo(path);
  const openSeconds = (performance.now() - begun) / 1000;
  try {
    const cues =
      asked.subtitles === undefined || asked.subtitles === "embedded"
        ? asked.subtitles
        : await readSubtitles(asked.subtitles);
    const loading = performance.now();
    const model = await openModel(flags.model, { device: flags.device, video: flags.sendAs, signal });
    const loadSeconds = (performance.now() - loading) / 1000;
    // Also ends what takes no signal, such as asking a silent server for its models.
    signal.addEventListener("abort", () => void model.close(), { once: true });
    try {
      const context = { question: asked.question, loadSeconds, expected: asked.answer ?? null };
      const { value, vote, screen } = await answer(model, video, asked, flags, { signal, cues });
      const result = { ...value, videoSeconds: value.videoSeconds + openSeconds };
      return print(result, vote, context, flags, screen);
    } finally {
      await model.close();
    }
  } finally {
    await video.close();
  }
}

async function answer(
  model: ChatModel,
  video: Video,
  asked: QuestionFile,
  flags: AskFlags,
  rest: { signal: AbortSignal; cues: Awaited<ReturnType<typeof readSubtitles>> | "embedded" | undefined },
): Promise<{ value: AskResult; vote: AskSamplesResult | null; screen: Screen | null }> {
  const screen = flags.json ? null : new Screen(paletteFor(process.stderr));
  const { seed, temperature, topP, topK, maxTokens, fps, maxFrames, timestamps } = flags;
  const { minFrames } = (await model.info()).sampling;
  const request = {
    video,
    question: asked.question,
    options: asked.options,
    answerType: asked.answerType,
    subtitles: rest.cues,
    sampling: {
      ...(fps === undefined ? {} : { fps }),
      ...(maxFrames === undefined ? {} : { maxFrames, minFrames: Math.min(minFrames, maxFrames) }),
      ...(timestamps === undefined ? {} : { timestamps }),
    },
    seed,
    temperature,
    topP,
    topK,
    maxTokens,
    signal: rest.signal,
    onSampled: ({ info, frames }: SampledVideo) =>
      screen?.begin(info.path, info.durationSeconds, frames.length),
  };
  if (flags.samples === 1) {
    const value = await ask(model, { ...request, onText: (text) => screen?.text(text) });
    return { value, vote: null, screen };
  }
  const { samples } = flags;
  const vote = await askSamples(model, {
    ...request,
    samples,
    onSample: (done) => screen?.sampled(done, samples),
  });
  screen?.text(vote.chosen.reply.text);
  return { value: vote.chosen, vote, screen };
}

/** Prints the answer; the exit code is 1 where the model gave none. */
function print(
  result: AskResult,
  vote: AskSamplesResult | null,
  context: AskContext,
  flags: AskFlags,
  screen: Screen | null,
): number {
  if (flags.json) {
    const document = { ...askJson(result, context), ...(vote ? voteJson(vote) : {}) };
    process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
  } else {
    const palette = paletteFor(process.stdout);
    screen?.end(`${askReport(result, context, palette)}${vote ? voteReport(vote, palette) : ""}`);
  }
  return result.trace.answer === null || result.trace.answer === "" ? 1 : 0;
}

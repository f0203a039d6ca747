/** What `video-r2 ask` prints about an answer: for people, and as JSON. */

import type { AskResult, AskSamplesResult, Electorate } from "../evaluation/index.ts";
import { formatInterval, formatTimestamp } from "../trace/index.ts";
import { hanging, type Palette, printable } from "./terminal.ts";

/** What the report needs beyond the answer. */
export interface AskContext {
  question: string;
  /** Seconds that opening the model took. */
  loadSeconds: number;
  /** The right answer, where the question's file gives it. */
  expected: string | null;
}

const width = 100;
const label = (name: string) => name.padEnd(11);
const seconds = (value: number) => `${value < 10 ? value.toFixed(2) : value.toFixed(1)} s`;

/** Tokens a second after the first, or null where the runtime does not say. */
function tokensPerSecond({ reply }: AskResult): number | null {
  const { completionTokens } = reply.usage;
  const { generateSeconds } = reply.timing;
  return completionTokens === null || completionTokens < 2 || generateSeconds <= 0
    ? null
    : (completionTokens - 1) / generateSeconds;
}

/** Whether the answer is the expected one; null where that is not known. */
function isRight({ option, trace }: AskResult, expected: string | null): boolean | null {
  if (expected === null) return null;
  const given = option?.letter ?? trace.answer;
  return given?.trim().toLowerCase() === expected.trim().toLowerCase();
}

function answerText({ option, trace }: AskResult): string {
  if (trace.answer === null) return "none";
  return option ? `(${option.letter}) ${option.text}` : printable(trace.answer) || "empty";
}

function claimLines({ trace, video }: AskResult, { dim, yellow }: Palette): string[] {
  if (trace.claims.length === 0) return [dim("  no time is cited")];
  const times = trace.claims.map((c) => formatInterval(c.startSeconds, c.endSeconds));
  const column = Math.max(...times.map((time) => time.length)) + 4;
  return trace.claims.map((claim, i) => {
    const line = hanging(`  ${times[i]}`.padEnd(column), printable(claim.text), width);
    return claim.startSeconds > video.info.durationSeconds ? yellow(`${line} (after the end)`) : line;
  });
}

function speed(result: AskResult, context: AskContext): string {
  const rate = tokensPerSecond(result);
  const { timing, usage } = result.reply;
  return [
    `model loaded in ${seconds(context.loadSeconds)}`,
    `video read in ${seconds(result.videoSeconds)}`,
    ...(timing.queueSeconds >= 0.05 ? [`waited ${seconds(timing.queueSeconds)}`] : []),
    `prompt read in ${seconds(timing.prefillSeconds)}`,
    `${usage.completionTokens ?? "unknown"} tokens written in ${seconds(timing.generateSeconds)}${rate === null ? "" : ` (${rate.toFixed(0)} a second)`}`,
  ].join(", ");
}

function seen({ video, reply, model }: AskResult): string {
  const { promptTokens, videoTokens } = reply.usage;
  const tokens =
    promptTokens === null
      ? ""
      : videoTokens === null
        ? `, ${promptTokens} tokens in all`
        : `, ${videoTokens} video tokens of ${promptTokens}`;
  const size = `${video.width}x${video.height}`;
  return `${video.frames.length} frames (${size}) of ${video.info.durationSeconds.toFixed(1)} s${tokens}, by ${model.name} on ${model.device}`;
}

/** The report after the reasoning, for people; ends with a line end. */
export function askReport(result: AskResult, context: AskContext, palette: Palette): string {
  const { bold, dim, green, red, yellow } = palette;
  const { consistency, trace } = result;
  const colour = { consistent: green, inconsistent: red, unknown: yellow }[consistency.verdict];
  const verdict = { consistent: "yes", inconsistent: "no", unknown: "cannot tell" }[consistency.verdict];
  const right = isRight(result, context.expected);
  const expected =
    right === null ? "" : right ? green("  right") : red(`  wrong, right is ${context.expected}`);
  return [
    "",
    bold("Claims"),
    ...claimLines(result, palette),
    "",
    `${bold(label("Answer"))}${trace.answer === null ? yellow(answerText(result)) : answerText(result)}${expected}`,
    `${bold(label("Consistent"))}${colour(verdict)}: ${printable(consistency.reason)}`,
    ...(consistency.words === null
      ? []
      : [dim(hanging(label(""), `"${printable(consistency.words)}"`, width))]),
    hanging(label("Seen"), seen(result), width).replace("Seen", bold("Seen")),
    hanging(label("Speed"), speed(result, context), width).replace("Speed", bold("Speed")),
    ...result.warnings.map((text) => yellow(hanging(label("Note"), text, width))),
    "",
  ].join("\n");
}

/** The document that `--json` prints. */
export function askJson(result: AskResult, context: AskContext): Record<string, unknown> {
  const { model, video, trace, option, options, reply, consistency } = result;
  const { info } = video;
  const right = isRight(result, context.expected);
  return {
    video: {
      path: info.path,
      durationSeconds: info.durationSeconds,
      fps: info.fps,
      frameCount: info.frameCount,
      width: info.width,
      height: info.height,
      codec: info.codec,
      container: info.container,
      backend: info.backend,
    },
    question: { text: context.question, type: result.answerType, options },
    model: {
      name: model.name,
      kind: model.kind,
      device: model.device,
      parameters: model.parameters,
      syntheticOnly: model.syntheticOnly,
    },
    sampling: {
      frames: video.frames.length,
      fps: video.sampleFps,
      width: video.width,
      height: video.height,
      seconds: video.frames.map((frame) => Number(frame.seconds.toFixed(3))),
    },
    reasoning: trace.think,
    claims: trace.claims.map((claim) => ({
      ...claim,
      time: formatInterval(claim.startSeconds, claim.endSeconds),
      inVideo: claim.startSeconds <= info.durationSeconds,
    })),
    answer: trace.answer,
    option,
    ...(right === null ? {} : { expected: context.expected, right }),
    consistency,
    problems: trace.problems,
    finishReason: reply.finishReason,
    output: reply.text,
    usage: reply.usage,
    seconds: {
      load: context.loadSeconds,
      video: result.videoSeconds,
      queue: reply.timing.queueSeconds,
      prefill: reply.timing.prefillSeconds,
      generate: reply.timing.generateSeconds,
    },
    tokensPerSecond: tokensPerSecond(result),
    warnings: result.warnings,
  };
}

const electorates: Record<Electorate, (voters: number, of: number) => string> = {
  consistent: (voters, of) =>
    voters === of
      ? `all ${of} answers say what their reasoning concludes`
      : `${voters} of ${of} answers say what their reasoning concludes; the rest has no vote`,
  unknown: (voters, of) =>
    `none of ${of} is known to be consistent; ${voters} of which it cannot be told have a vote`,
  all: (voters, of) => `none of ${of} is consistent, so that all ${voters} that answer have a vote`,
  none: (_, of) => `none of ${of} answers`,
};

/** What the candidates of a vote are called. */
function candidateText({ samples }: AskSamplesResult, ballot: number): string {
  const sample = samples[ballot];
  return sample ? answerText(sample) : "";
}

/** How the samples voted, for people; ends with a line end. */
export function voteReport(result: AskSamplesResult, { bold, dim }: Palette): string {
  const { vote, samples } = result;
  const voters = vote.candidates.reduce((sum, { ballots }) => sum + ballots.length, 0);
  const names = vote.candidates.map(({ ballots }) => candidateText(result, ballots[0] as number));
  const column = Math.max(0, ...names.map((name) => name.length)) + 3;
  return [
    `${bold(label("Vote"))}${electorates[vote.electorate](voters, samples.length)}`,
    ...vote.candidates.map(({ ballots, weight }, i) => {
      const count = `${ballots.length} ${ballots.length === 1 ? "vote" : "votes"}`;
      return `${label("")}${(names[i] ?? "").padEnd(column)}${count.padEnd(10)}${dim(`weight ${weight.toFixed(2)}`)}`;
    }),
    "",
  ].join("\n");
}

/** What `--json` prints of the samples. */
export function voteJson({ samples, vote }: AskSamplesResult): Record<string, unknown> {
  return {
    vote,
    samples: samples.map(({ trace, option, consistency, reply }, i) => ({
      answer: trace.answer,
      option,
      consistency,
      grounding: vote.grounding[i],
      claims: trace.claims,
      finishReason: reply.finishReason,
      output: reply.text,
    })),
  };
}

/** The line above the reasoning. */
export function askHead(path: string, durationSeconds: number, frames: number): string {
  return `${path}: ${formatTimestamp(durationSeconds)}, ${frames} frames`;
}

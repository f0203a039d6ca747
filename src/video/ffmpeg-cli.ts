/** The system's `ffmpeg` and `ffprobe`, the fallback where node-av is not installed. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { UsageError } from "../base/index.ts";
import { libavFailure } from "./libav.ts";

/** The error for a machine that has neither node-av nor ffmpeg; it names both remedies. */
export function noBackendError(): UsageError {
  const failure = libavFailure();
  return new UsageError(
    "video-backend-missing",
    "video decoder: node-av or the ffmpeg and ffprobe programs must be installed, got neither" +
      (failure === undefined ? "" : ` (node-av is installed but does not load: ${failure})`),
    "run `npm install node-av`, or install ffmpeg so that `ffmpeg` and `ffprobe` are on the PATH",
  );
}

/** A started program: its process, and `done`, which rejects if it fails. */
export interface Started {
  process: ChildProcess;
  /** Resolves to the exit code and what was written to stderr (its last 8,000 characters). */
  done: Promise<{ code: number; stderr: string }>;
}

/** Starts `ffmpeg` or `ffprobe`; `done` rejects with the error that names both remedies if it is not there. */
export function startProgram(program: "ffmpeg" | "ffprobe", args: readonly string[]): Started {
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
  let stderr = "";
  child.stderr.setEncoding("utf8");
  child.stderr.on("data", (chunk: string) => {
    stderr = (stderr + chunk).slice(-8000);
  });
  child.stdin.on("error", () => {});
  const done = new Promise<{ code: number; stderr: string }>((resolve, reject) => {
    child.on("error", (error: NodeJS.ErrnoException) =>
      reject(error.code === "ENOENT" ? noBackendError() : error),
    );
    child.on("close", (code) => resolve({ code: code ?? 1, stderr }));
  });
  done.catch(() => {});
  return { process: child, done };
}

/** Runs a program to its end and returns its standard output as text, with its exit code and stderr. */
export async function runProgram(
  program: "ffmpeg" | "ffprobe",
  args: readonly string[],
): Promise<{ code: number; stdout: string; stderr: string }> {
  const { process: child, done } = startProgram(program, args);
  child.stdin?.end();
  const chunks: Buffer[] = [];
  child.stdout?.on("data", (chunk: Buffer) => chunks.push(chunk));
  const { code, stderr } = await done;
  return { code, stdout: Buffer.concat(chunks).toString("utf8"), stderr };
}

/** Writes to a program's standard input and waits while its pipe is full. */
export async function writeToProgram(started: Started, data: Uint8Array): Promise<void> {
  const input = started.process.stdin;
  if (!input || input.destroyed || input.write(data)) return;
  await Promise.race([once(input, "drain"), started.done]);
}

/** The other side of a bench that takes steps: a Python script that takes one step per line of its input. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { UsageError } from "../src/base/index.ts";

/** A peer that runs. */
export interface Peer<T> {
  /** Takes a step and returns what the script printed. @throws UsageError `bench-torch` if it could not */
  step: () => Promise<T>;
  /** Ends the script. */
  stop: () => Promise<void>;
}

/**
 * Starts a peer.
 *
 * @param name of the bench; its script is `bench/<name>.py`
 * @param args of the script
 */
export function startPeer<T>(name: string, args: readonly string[]): Peer<T> {
  const python = process.env.VIDEO_R2_PYTHON ?? "python3";
  const script = new URL(`${name}.py`, import.meta.url).pathname;
  const child = spawn(python, [script, ...args], { stdio: ["pipe", "pipe", "pipe"] });
  let trouble = "";
  child.stderr.on("data", (chunk: Buffer) => {
    trouble += chunk;
  });
  child.on("error", (error) => {
    trouble += error.message;
  });
  child.stdin.on("error", () => {});
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const step = async (): Promise<T> => {
    child.stdin.write("step\n");
    const { value, done } = await lines.next();
    if (!done) return JSON.parse(value) as T;
    throw new UsageError(
      "bench-torch",
      `bench/${name}: ${python} must run transformers, got ${trouble.trim().split("\n").at(-1)}`,
      "python3 -m venv .venv && .venv/bin/pip install torch transformers==4.57.6, then VIDEO_R2_PYTHON=.venv/bin/python npm run bench",
    );
  };
  const stop = async (): Promise<void> => {
    child.stdin.end();
    if (child.exitCode === null) await once(child, "exit");
  };
  return { step, stop };
}

/** The middle value; the upper of two middle ones. */
export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;
}

/** A program that runs beside ours: its output in a file, ended with all its children. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { UsageError } from "../base/index.ts";

/** What is started. */
export interface ChildOptions {
  /** What errors call it. */
  name: string;
  /** Program and arguments. */
  command: readonly string[];
  env: Record<string, string | undefined>;
  /** File that gets what it prints. */
  log: string;
  cwd?: string | undefined;
}

/** A running program. */
export interface ChildProgram {
  readonly name: string;
  /** Its exit code, or null where a signal ended it. */
  readonly ended: Promise<number | null>;
  readonly running: boolean;
  /** The last lines it printed. */
  tail(): string;
  /** Asks it to end (SIGINT), then tells it to, and its children with it. */
  stop(graceSeconds?: number): Promise<void>;
}

const TAIL = 4000;

/**
 * Starts a program in a process group of its own, so that a Ctrl-C at the terminal reaches us and not it.
 *
 * @throws UsageError `program-missing` where it cannot be started
 */
export async function startProgram({ name, command, env, log, cwd }: ChildOptions): Promise<ChildProgram> {
  await mkdir(dirname(log), { recursive: true });
  const file = createWriteStream(log, { flags: "a" });
  const [program, ...args] = command as [string, ...string[]];
  const child = spawn(program, args, { env, cwd, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  let tail = "";
  const keep = (chunk: Buffer): void => {
    file.write(chunk);
    tail = (tail + chunk.toString("utf8")).slice(-TAIL);
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  let running = true;
  const ended = new Promise<number | null>((resolve) => {
    child.once("close", (code) => {
      running = false;
      file.end();
      resolve(code);
    });
  });
  try {
    await once(child, "spawn");
  } catch (cause) {
    file.end();
    throw new UsageError(
      "program-missing",
      `${name}: must be a program that can be started, got ${program}`,
      "Is it installed, and on the PATH?",
      { cause },
    );
  }
  const signal = (which: NodeJS.Signals): void => {
    try {
      process.kill(-(child.pid as number), which);
    } catch {
      // It is gone.
    }
  };
  const within = (seconds: number): Promise<boolean> =>
    Promise.race([
      ended.then(() => true),
      new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 1000 * seconds).unref()),
    ]);
  // If we are killed without notice there is nothing to be done; on an exit its group goes with us.
  const atExit = (): void => signal("SIGKILL");
  process.once("exit", atExit);
  void ended.then(() => process.off("exit", atExit));
  return {
    name,
    ended,
    get running() {
      return running;
    },
    tail: () => tail.trim(),
    async stop(graceSeconds = 30) {
      if (running) {
        signal("SIGINT");
        if (!(await within(graceSeconds))) signal("SIGTERM");
        if (!(await within(5))) signal("SIGKILL");
        await ended;
      }
      // Children that outlived it.
      signal("SIGKILL");
    },
  };
}

/**
 * Waits until a server answers.
 *
 * @param ready asks it; throws or gives false while it is not there
 * @throws UsageError `program-ended` with its last words if it ends first, `program-slow` after `seconds`; the signal's reason
 */
export async function waitUntilReady(
  child: ChildProgram,
  ready: () => Promise<boolean>,
  seconds: number,
  signal: AbortSignal,
): Promise<void> {
  const until = performance.now() + 1000 * seconds;
  for (;;) {
    signal.throwIfAborted();
    if (await ready().catch(() => false)) return;
    if (!child.running)
      throw new UsageError("program-ended", `${child.name}: must keep running, got its end: ${child.tail()}`);
    if (performance.now() > until)
      throw new UsageError("program-slow", `${child.name}: must answer within ${seconds} s, got nothing`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

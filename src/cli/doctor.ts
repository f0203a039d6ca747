/** `video-r2 doctor`: what works on this machine, tried out. */

import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, freemem, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Command } from "commander";
import { listSupportedBackends } from "onnxruntime-node";
import { messageOf } from "../base/index.ts";
import { complete, openModel } from "../models/index.ts";
import { encodeVideo, openVideo, type VideoBackend } from "../video/index.ts";
import { paletteFor } from "./terminal.ts";

/** One thing that was tried. */
interface Check {
  name: string;
  status: "ok" | "missing" | "broken";
  detail: string;
  /** Whether video-r2 cannot work without it. */
  needed: boolean;
}

const run = promisify(execFile);
const gibibytes = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GiB`;

async function tried(name: string, needed: boolean, work: () => Promise<string>): Promise<Check> {
  try {
    return { name, status: "ok", detail: await work(), needed };
  } catch (error) {
    const absent = (error as { code?: unknown }).code === "ENOENT";
    return {
      name,
      status: absent || !needed ? "missing" : "broken",
      detail: absent ? "not installed" : messageOf(error),
      needed,
    };
  }
}

async function decode(path: string, backend: VideoBackend): Promise<string> {
  const video = await openVideo(path, { backend });
  try {
    let frames = 0;
    for await (const _ of video.frames([0, video.info.frameCount - 1])) frames++;
    return `decodes (${frames} of 2 frames of a test video)`;
  } finally {
    await video.close();
  }
}

async function builtin(): Promise<string> {
  const begun = performance.now();
  const model = await openModel("builtin");
  try {
    const { parameters } = await model.info();
    await complete(model, [{ role: "user", content: "Hello." }], { maxTokens: 4 });
    return `${((parameters ?? 0) / 1e6).toFixed(1)} M parameters; loads and writes in ${((performance.now() - begun) / 1000).toFixed(1)} s`;
  } finally {
    await model.close();
  }
}

async function checks(folder: string): Promise<Check[]> {
  const clip = join(folder, "test.mp4");
  const frames = Array.from({ length: 8 }, (_, i) => new Uint8Array(64 * 64 * 3).fill(i * 30));
  const memory = totalmem();
  const list = [
    await tried("node", true, async () => `${process.version} on ${process.platform} ${process.arch}`),
    await tried("processors", true, async () => `${availableParallelism()}`),
    await tried("memory", true, async () => `${gibibytes(freemem())} free of ${gibibytes(memory)}`),
    await tried("video writing", true, async () => {
      await encodeVideo(clip, frames, { width: 64, height: 64, fps: 4 });
      return "H.264 in MP4";
    }),
    await tried("node-av", false, () => decode(clip, "node-av")),
    await tried("ffmpeg", false, async () => {
      const { stdout } = await run("ffmpeg", ["-version"], { timeout: 10_000 });
      return `${stdout.split(" ").slice(0, 3).join(" ")}; ${await decode(clip, "ffmpeg")}`;
    }),
    await tried("providers", true, async () =>
      listSupportedBackends()
        .map(({ name }) => name)
        .join(", "),
    ),
    await tried("builtin model", true, builtin),
  ];
  const decoders = list.filter(({ name }) => name === "node-av" || name === "ffmpeg");
  // One decoder is enough; without any, both are needed.
  if (decoders.every(({ status }) => status !== "ok"))
    for (const check of decoders) {
      check.needed = true;
      check.status = "broken";
    }
  return list;
}

/** Adds the command. */
export function registerDoctor(program: Command): void {
  program
    .command("doctor")
    .description("try out what video-r2 needs on this machine")
    .option("--json", "print one JSON document and nothing else")
    .addHelpText("after", "\nExits with 1 if something is broken that video-r2 cannot do without.")
    .action(async ({ json }: { json?: boolean }) => {
      const folder = await mkdtemp(join(tmpdir(), "video-r2-"));
      try {
        const found = await checks(folder);
        process.stdout.write(json ? `${JSON.stringify({ checks: found }, null, 2)}\n` : report(found));
        process.exitCode = found.some(({ status }) => status === "broken") ? 1 : 0;
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    });
}

function report(found: readonly Check[]): string {
  const { green, red, yellow } = paletteFor(process.stdout);
  const mark = { ok: green("ok     "), missing: yellow("missing"), broken: red("broken ") };
  return found.map(({ name, status, detail }) => `${mark[status]}  ${name.padEnd(15)}${detail}\n`).join("");
}

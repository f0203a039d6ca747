import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const module = new URL("./heap.ts", import.meta.url).href;
const program = (body: string): string[] => [
  "--import",
  "tsx",
  "--input-type=module",
  "--eval",
  `import { keepsHeap, rerunKeepingHeap } from ${JSON.stringify(module)};
   const code = await rerunKeepingHeap();
   if (code !== null) process.exit(code);
   ${body}`,
];

describe.skipIf(process.platform !== "linux")("a program that keeps its heap", () => {
  it("does its work once, with its streams and its exit code", () => {
    const { stdout, status } = spawnSync(
      process.execPath,
      program("console.log(keepsHeap()); process.exit(7);"),
      {
        encoding: "utf8",
      },
    );
    expect([stdout, status]).toEqual(["true\n", 7]);
  });

  it("passes on the signal that stops it", async () => {
    const body = `process.on("SIGINT", () => process.exit(9)); console.log("up"); setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, program(body), { stdio: ["ignore", "pipe", "inherit"] });
    await once(child.stdout, "data");
    child.kill("SIGINT");
    expect((await once(child, "exit"))[0]).toBe(9);
  });

  it("ends with the one who started it", async () => {
    const body = `console.log(process.pid); setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, program(body), { stdio: ["ignore", "pipe", "inherit"] });
    const pid = Number(String((await once(child.stdout, "data"))[0]));
    child.kill("SIGKILL");
    // Ended, or a zombie that nobody has asked about.
    const ended = (): boolean => {
      try {
        return readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.startsWith("Z") ?? true;
      } catch {
        return true;
      }
    };
    await expect.poll(ended, { timeout: 5000 }).toBe(true);
  });
});

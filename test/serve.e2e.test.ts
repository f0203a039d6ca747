import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { runCli, startCli } from "./run-cli.ts";
import { writeTinyCheckpoint } from "./tiny-checkpoint.ts";
import { writeTinyVideo } from "./tiny-video.ts";

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

let folder = "";
let url = "";
let serving: ReturnType<typeof startCli>;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "serve-"));
  await writeTinyCheckpoint(join(folder, "tiny"));
  await writeTinyVideo(join(folder, "clip.mp4"));
  serving = startCli(["serve", "--port", "0", "--model", join(folder, "tiny"), "--json"]);
  const line = await new Promise<string>((resolve) =>
    serving.child.stdout?.once("data", (text) => resolve(String(text))),
  );
  const said = JSON.parse(line);
  expect(said.model).toBe("tiny");
  url = said.url;
});
afterAll(async () => {
  serving.child.kill("SIGKILL");
  await rm(folder, { recursive: true });
});

const chat = (body: object) =>
  fetch(`${url}/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "tiny", messages: [{ role: "user", content: "Hello." }], ...body }),
  });

const busy = async () => (await (await fetch(url.replace("/v1", "/healthz"))).json()).requests;

it("answers `ask`, which gets the same as in process when it sends the file", async () => {
  const ask = async (...more: string[]) => {
    const { stdout } = await runCli([
      "ask",
      join(folder, "clip.mp4"),
      "What?",
      "--max-tokens",
      "16",
      "--json",
      ...more,
    ]);
    return JSON.parse(stdout);
  };
  const [here, frames, file] = await Promise.all([
    ask("--model", join(folder, "tiny")),
    ask("--model", `${url}#tiny`),
    ask("--model", url, "--send-as", "file"),
  ]);
  expect(file.output).toBe(here.output);
  expect(frames.usage).toEqual(here.usage);
  expect(frames.model).toMatchObject({ name: "tiny", kind: "server", syntheticOnly: true });
  expect(frames.seconds.prefill).toBeGreaterThan(0);
});

it("stays responsive while it generates", async () => {
  // Several, one after the other: a single one may be over before it is asked about.
  const long = Promise.all([1, 2, 3, 4].map(() => chat({ max_tokens: 600 })));
  await expect.poll(busy, { interval: 2 }).toBeGreaterThan(0);
  const begun = performance.now();
  expect(await busy()).toBeGreaterThan(0);
  const [check, reply] = [performance.now() - begun, (await long) && performance.now() - begun];
  expect(check).toBeLessThan(reply / 2);
});

it("serves requests in their order", async () => {
  const order: number[] = [];
  await Promise.all(
    [0, 1, 2].map(async (i) => {
      await new Promise((resolve) => setTimeout(resolve, i * 50));
      await (await chat({ max_tokens: i === 0 ? 200 : 4 })).json();
      order.push(i);
    }),
  );
  expect(order).toEqual([0, 1, 2]);
});

it("names an address that is taken", async () => {
  const { port } = new URL(url);
  const { code, stdout } = await runCli(["serve", "--port", port, "--model", join(folder, "tiny"), "--json"]);
  expect([code, JSON.parse(stdout).error.code]).toEqual([2, "server-listen"]);
});

it("lets a reply in progress end when it is stopped, and takes no more", async () => {
  // The first piece of the first reply says that they are in progress, however fast the machine.
  const replies = await Promise.all([1, 2, 3, 4].map(() => chat({ max_tokens: 600, stream: true })));
  const pieces = replies.map((reply) => (reply.body as ReadableStream<Uint8Array>).getReader());
  const first = Buffer.from((await pieces[0]?.read())?.value ?? []).toString();
  serving.child.kill("SIGTERM");
  const texts = await Promise.all(
    pieces.map(async (piece, i) => {
      let text = i === 0 ? first : "";
      for (let next = await piece.read(); !next.done; next = await piece.read())
        text += Buffer.from(next.value).toString();
      return text;
    }),
  );
  for (const text of texts) expect(text).toContain("[DONE]");
  const { code, stderr } = await serving.result;
  expect(stderr).toMatch(/stopping; [1-4] requests in progress/);
  expect(code).toBe(0);
  await expect(chat({})).rejects.toThrow();
  // The port is free again.
  const again = createServer().listen(Number(new URL(url).port), "127.0.0.1");
  await new Promise((resolve) => again.once("listening", resolve));
  again.close();
});

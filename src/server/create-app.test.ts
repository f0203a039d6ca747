import { copyFile, mkdir, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeTinyCheckpoint } from "../../test/tiny-checkpoint.ts";
import { writeTinyVideo } from "../../test/tiny-video.ts";
import { type ChatModel, openModel } from "../models/index.ts";
import { encodeJpeg } from "../video/index.ts";
import { type App, type AppOptions, createApp } from "./create-app.ts";

let folder = "";
let model: ChatModel;
let app: App;
const make = (options: Partial<AppOptions> = {}) =>
  createApp({ model, mediaRoots: [join(folder, "open")], ...options });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "app-"));
  await writeTinyCheckpoint(join(folder, "tiny"));
  await writeTinyVideo(join(folder, "clip.mp4"));
  model = await openModel(join(folder, "tiny"));
  app = make();
});
afterAll(async () => {
  await model?.close();
  await rm(folder, { recursive: true });
});

const post = (body: unknown, to = app, headers: Record<string, string> = {}) =>
  to.fetch(
    new Request("http://127.0.0.1/v1/chat/completions", {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: typeof body === "string" ? body : JSON.stringify(body),
    }),
  );
const get = (path: string, to = app, headers = {}) =>
  to.fetch(new Request(`http://127.0.0.1${path}`, { headers }));
const hello = {
  model: "tiny",
  messages: [{ role: "user", content: "Hello." }],
  max_tokens: 6,
  temperature: 0,
};
const about = (...parts: unknown[]) => ({
  ...hello,
  messages: [{ role: "user", content: [...parts, { type: "text", text: "What?" }] }],
});
const video = (url: string) => ({ type: "video_url", video_url: { url } });
const frame = (shade: number) => {
  const jpeg = encodeJpeg({ width: 64, height: 64, data: new Uint8Array(64 * 64 * 3).fill(shade) });
  return {
    type: "image_url",
    image_url: { url: `data:image/jpeg;base64,${Buffer.from(jpeg).toString("base64")}` },
  };
};

it("lists its model, with what the protocol has no field for", async () => {
  const { data } = (await (await get("/v1/models")).json()) as { data: Record<string, unknown>[] };
  expect(data).toMatchObject([
    {
      id: "tiny",
      object: "model",
      video_r2: { kind: "in-process", syntheticOnly: true, sampling: { fps: 2, maxFrames: 8 } },
    },
  ]);
  expect(await (await get("/healthz")).json()).toEqual({ status: "ok", model: "tiny", requests: 0 });
});

it("answers in OpenAI's form", async () => {
  const response = await post(hello);
  expect(response.status).toBe(200);
  expect(await response.json()).toMatchObject({
    object: "chat.completion",
    model: "tiny",
    choices: [
      { index: 0, message: { role: "assistant", content: expect.any(String) }, finish_reason: "length" },
    ],
    usage: { completion_tokens: 6, prompt_tokens_details: { frames: 0, video_tokens: 0 } },
  });
  expect(app.active).toBe(0);
});

it("streams in OpenAI's form, the same text, with usage where it is asked for", async () => {
  const whole = (await (await post(hello)).json()) as { choices: { message: { content: string } }[] };
  const text = await (await post({ ...hello, stream: true, stream_options: { include_usage: true } })).text();
  const events = text
    .trim()
    .split("\n\n")
    .map((line) => line.replace(/^data: /, ""));
  expect(events.pop()).toBe("[DONE]");
  const chunks = events.map((e) => JSON.parse(e));
  expect(chunks[0].choices[0].delta).toEqual({ role: "assistant", content: "" });
  const pieces = chunks.flatMap((c) => (c.choices[0] ? [c.choices[0].delta.content ?? ""] : []));
  expect(pieces.join("")).toBe(whole.choices[0]?.message.content);
  expect(chunks.at(-2).choices[0].finish_reason).toBe("length");
  expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: 6 } });
  expect(app.active).toBe(0);
});

it("frees its place when a client leaves in the middle of a stream", async () => {
  const response = await post({ ...hello, max_tokens: 1500, stream: true });
  const reader = (response.body as ReadableStream).getReader();
  await reader.read();
  expect(app.active).toBe(1);
  await reader.cancel();
  expect(app.active).toBe(0);
  expect((await post(hello)).status).toBe(200);
});

describe("media", () => {
  const frames = async (...parts: unknown[]) => {
    const { usage } = (await (await post(about(...parts))).json()) as {
      usage: { prompt_tokens_details: { frames: number; video_tokens: number } };
    };
    return usage.prompt_tokens_details;
  };

  it("images in a row, each after its time, are one video", async () => {
    const labelled = [0, 1, 2, 3].flatMap((t) => [{ type: "text", text: `[00:0${t}.0]` }, frame(t * 60)]);
    // 4 frames of 56 x 56: 2 steps of 4 tokens; apart they would be 4 steps.
    expect(await frames(...labelled)).toMatchObject({ frames: 4, video_tokens: 8 });
    expect(await frames(frame(0), { type: "text", text: "and" }, frame(200))).toMatchObject({
      frames: 2,
      video_tokens: 8,
    });
  });

  it("a video as a data URL is sampled as the model wants it", async () => {
    const bytes = await readFile(join(folder, "clip.mp4"));
    const url = `data:video/mp4;base64,${bytes.toString("base64")}`;
    expect(await frames(video(url))).toMatchObject({ frames: 4, video_tokens: 8 });
  });

  it("a file only below the opened folders, whatever the way there", async () => {
    await mkdir(join(folder, "open"), { recursive: true });
    await copyFile(join(folder, "clip.mp4"), join(folder, "open", "a.mp4"));
    await symlink(join(folder, "clip.mp4"), join(folder, "open", "link.mp4"));
    const url = (path: string) => pathToFileURL(join(folder, path)).href;
    expect(await frames(video(url("open/a.mp4")))).toMatchObject({ frames: 4 });
    const refused = [
      url("clip.mp4"),
      url("open/link.mp4"),
      `${url("open")}/../clip.mp4`,
      url("open/none.mp4"),
      "file:///etc/passwd",
    ];
    for (const path of refused) {
      const response = await post(about(video(path)));
      expect([response.status, ((await response.json()) as { error: { code: string } }).error.code]).toEqual([
        400,
        "invalid_video",
      ]);
    }
  });

  it.each([
    ["an address", video("http://127.0.0.1:1/x.mp4"), "addresses are not fetched"],
    [
      "bytes that are no video",
      video(`data:video/mp4;base64,${Buffer.from("nothing").toString("base64")}`),
      "video",
    ],
    [
      "an address of an image",
      { type: "image_url", image_url: { url: "https://x/y.jpg" } },
      "must be a base64 data URL",
    ],
    [
      "bytes that are no image",
      { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } },
      "can be decoded",
    ],
  ])("refuses %s", async (_what, part, message) => {
    const response = await post(about(part));
    expect(response.status).toBe(400);
    const { error } = (await response.json()) as { error: { message: string; type: string } };
    expect(error.message).toContain(message);
    expect(error.message).not.toContain(tmpdir());
    expect(error.type).toBe("invalid_request_error");
  });
});

describe("refuses", () => {
  it.each([
    ["what is no JSON", "{", 400, "invalid_json"],
    ["another model", { ...hello, model: "gpt" }, 404, "model_not_found"],
    ["no messages", { ...hello, messages: [] }, 400, "invalid_request"],
    ["an unknown part", about({ type: "audio_url" }), 400, "invalid_request"],
    ["a temperature of 3", { ...hello, temperature: 3 }, 400, "invalid_request"],
    ["two choices", { ...hello, n: 2 }, 400, "invalid_request"],
    [
      "a conversation that the assistant ends",
      { ...hello, messages: [{ role: "assistant", content: "x" }] },
      400,
      "chat-invalid",
    ],
    [
      "special tokens",
      { ...hello, messages: [{ role: "user", content: "<|im_end|>" }] },
      400,
      "message-special-token",
    ],
  ])("%s", async (_what, body, status, code) => {
    const response = await post(body);
    expect(response.status).toBe(status);
    const { error } = (await response.json()) as { error: Record<string, unknown> };
    expect(error).toMatchObject({ code, type: "invalid_request_error", message: expect.any(String) });
  });

  it("in a stream too, in an event", async () => {
    const text = await (
      await post({ ...hello, stream: true, messages: [{ role: "assistant", content: "x" }] })
    ).text();
    expect(text).toContain('"code":"chat-invalid"');
    expect(text).not.toContain("[DONE]");
  });

  it("bodies that are too large, other types, other paths", async () => {
    const small = make({ maxBodyBytes: 100 });
    expect(
      (await post({ ...hello, messages: [{ role: "user", content: "x".repeat(200) }] }, small)).status,
    ).toBe(413);
    expect((await post(hello, app, { "content-type": "text/plain" })).status).toBe(415);
    expect((await get("/etc")).status).toBe(404);
  });

  it("more requests than it has room for", async () => {
    const one = make({ maxRequests: 1 });
    const both = [post({ ...hello, max_tokens: 200 }, one), post(hello, one)];
    expect((await Promise.all(both)).map(({ status }) => status)).toEqual([200, 429]);
  });

  it("who has no key, and pages that reach for a local server", async () => {
    const locked = make({ apiKey: "secret", hosts: ["127.0.0.1"] });
    const host = { host: "127.0.0.1:8000" };
    expect((await get("/v1/models", locked, host)).status).toBe(401);
    expect((await get("/v1/models", locked, { ...host, authorization: "Bearer wrong" })).status).toBe(401);
    expect((await get("/v1/models", locked, { ...host, authorization: "Bearer secret" })).status).toBe(200);
    expect((await get("/healthz", locked, host)).status).toBe(200);
    expect((await get("/healthz", locked, { host: "evil.example" })).status).toBe(403);
  });
});

it("tells a client nothing of its insides", async () => {
  const logged: string[] = [];
  const broken: ChatModel = {
    info: () => model.info(),
    // biome-ignore lint/correctness/useYield: it fails before it could
    async *stream() {
      throw new Error("secret path /home/x");
    },
    close: async () => {},
  };
  const response = await post(hello, make({ model: broken, log: (line) => logged.push(line) }));
  expect(response.status).toBe(500);
  expect(await response.text()).not.toContain("secret");
  expect(logged.join()).toContain("secret path");
});

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type ChatModel, complete, openModel, type VideoInput } from "../src/models/index.ts";
import { startServer } from "../src/server/index.ts";
import { sampleVideo } from "../src/video/index.ts";
import { describeChatModel } from "./chat-model.contract.ts";
import { writeTinyCheckpoint } from "./tiny-checkpoint.ts";
import { writeTinyVideo } from "./tiny-video.ts";

let folder = "";
const checkpoint = () => join(folder, "tiny");
const clip = () => join(folder, "clip.mp4");
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "chat-model-"));
  await writeTinyCheckpoint(checkpoint());
  await writeTinyVideo(clip());
});
afterAll(() => rm(folder, { recursive: true }));

async function sampled(model: ChatModel): Promise<VideoInput> {
  const { frames, sampleFps } = await sampleVideo(clip(), (await model.info()).sampling);
  return { frames, sampleFps, path: clip() };
}

const inProcess = () => openModel(checkpoint());

async function served(video: "frames" | "file") {
  const behind = await inProcess();
  const server = await startServer({ model: behind, port: 0, mediaRoots: [] });
  const model = await openModel(`${server.url}/v1#tiny`, { video });
  const close = async () => {
    await model.close();
    await server.close(1);
    await behind.close();
  };
  return { model, behind, close };
}

describeChatModel("in process", async () => {
  const model = await inProcess();
  return { model, video: await sampled(model), close: () => model.close() };
});

describeChatModel("our server, frames as images", async () => {
  const { model, close } = await served("frames");
  return { model, video: await sampled(model), close };
});

it("gives over HTTP what it gives in process, video sent as a file", async () => {
  const { model, behind, close } = await served("file");
  try {
    const video = await sampled(behind);
    const messages = [
      {
        role: "user" as const,
        content: [
          { type: "video" as const, video },
          { type: "text" as const, text: "What?" },
        ],
      },
    ];
    const [here, there] = [
      await complete(behind, messages, { maxTokens: 24, temperature: 0.8, seed: 5 }),
      await complete(model, messages, { maxTokens: 24, temperature: 0.8, seed: 5 }),
    ];
    expect(there.text).toBe(here.text);
    expect(there.usage).toEqual(here.usage);
    expect((await model.info()).sampling).toEqual((await behind.info()).sampling);
  } finally {
    await close();
  }
});

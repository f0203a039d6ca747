/** The thread that a checkpoint runs in, so that its numerical work does not keep the main thread from its own. */

import { parentPort, workerData } from "node:worker_threads";
import { invariant, UsageError } from "../base/index.ts";
import { Qwen25VL } from "../nn/index.ts";
import { toPatches } from "../video/index.ts";
import { type ChatMessage, videosOf } from "./chat-model.ts";
import { checkpointSampling } from "./checkpoint-sampling.ts";
import type { ThreadData, ThreadError, ThreadEvent, ThreadRequest } from "./in-process-protocol.ts";

const port = parentPort;
invariant(port !== null, "the in-process model runs in a worker thread");
const tell = (event: ThreadEvent) => port.postMessage(event);

function sendable(error: unknown): ThreadError {
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  const shown = { message, ...(stack === undefined ? {} : { stack }) };
  if (!(error instanceof UsageError)) return shown;
  return { ...shown, code: error.code, ...(error.hint === undefined ? {} : { hint: error.hint }) };
}

/** Messages with pixels instead of frames. */
function withPixels(messages: readonly ChatMessage[], { processor }: Qwen25VL) {
  return messages.map(({ role, content }) => ({
    role,
    content:
      typeof content === "string"
        ? content
        : content.map((part) =>
            part.type === "text"
              ? part
              : {
                  type: "video" as const,
                  ...toPatches(part.video.frames, processor),
                  secondPerGridTs: processor.temporalPatchSize / part.video.sampleFps,
                },
          ),
  }));
}

async function reply(model: Qwen25VL, request: ThreadRequest): Promise<void> {
  const { id, maxTokens, temperature, topP, topK, seed, stop, cancelled } = request;
  const begun = performance.now();
  const isCancelled = () => Atomics.load(cancelled, 0) !== 0;
  const abort = new AbortController();
  if (isCancelled()) abort.abort();
  const prompt = model.prepare(withPixels(request.messages, model));
  let first: number | null = null;
  let last = begun;
  const { generations } = await model.generateTokens([{ ...prompt, seed }], {
    maxNewTokens: maxTokens,
    temperature,
    topP,
    topK,
    stop,
    signal: abort.signal,
    onToken: ({ text }) => {
      last = performance.now();
      first ??= last;
      if (isCancelled()) abort.abort();
      else if (text !== "") tell({ type: "text", id, text });
    },
  });
  const generation = generations[0]?.[0];
  invariant(generation !== undefined, "one request gives one generation");
  const { video_token_id, image_token_id } = model.config;
  const ids = Array.from(prompt.ids);
  tell({
    type: "end",
    id,
    finishReason: generation.finishReason,
    usage: {
      frames: videosOf(request.messages).reduce((sum, { frames }) => sum + frames.length, 0),
      promptTokens: ids.length,
      videoTokens: ids.filter((token) => token === video_token_id || token === image_token_id).length,
      completionTokens: generation.ids.length,
    },
    prefillSeconds: ((first ?? last) - begun) / 1000,
    generateSeconds: (last - (first ?? last)) / 1000,
  });
}

async function main({ dir, device }: ThreadData): Promise<void> {
  invariant(port !== null, "the in-process model runs in a worker thread");
  let model: Qwen25VL;
  try {
    const own = await checkpointSampling(dir);
    model = await Qwen25VL.load(dir, { device });
    tell({ type: "ready", parameters: model.info().parameters, ...own });
  } catch (error) {
    tell({ type: "failed", error: sendable(error) });
    return;
  }
  let previous: Promise<void> = Promise.resolve();
  port.on("message", (request: ThreadRequest) => {
    previous = previous.then(() =>
      reply(model, request).catch((error: unknown) =>
        tell({ type: "error", id: request.id, error: sendable(error) }),
      ),
    );
  });
}

await main(workerData as ThreadData);

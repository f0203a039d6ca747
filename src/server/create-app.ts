/** The HTTP interface as a function from requests to responses; it opens no socket. */

import { randomUUID } from "node:crypto";
import { Hono } from "hono";
import { messageOf } from "../base/index.ts";
import type { ChatModel } from "../models/index.ts";
import { completeChat, streamChat } from "./chat-completions.ts";
import { parseChatRequest } from "./chat-request.ts";
import { readJson } from "./check-body.ts";
import { type GuardOptions, guard, limitBody } from "./guard.ts";
import { HttpError, toHttpError } from "./http-error.ts";
import { readMessages } from "./read-messages.ts";

/** What the interface serves, and within which limits. */
export interface AppOptions extends GuardOptions {
  /** The model that answers; it is not closed here. */
  model: ChatModel;
  /** Folders below which `file:` URLs of videos may point. Default none. */
  mediaRoots?: readonly string[] | undefined;
  /** Most bytes of a request's body. Default 64 MiB. */
  maxBodyBytes?: number | undefined;
  /** Most images in a request. Default 256. */
  maxImages?: number | undefined;
  /** Most requests served or waiting at once. Default 64. */
  maxRequests?: number | undefined;
  /** Told about failures that are not the client's. Default: nobody. */
  log?: ((line: string) => void) | undefined;
}

/** The interface, with what a server needs to stop it. */
export interface App {
  /** Answers one request. */
  fetch: (request: Request, env?: unknown) => Response | Promise<Response>;
  /** Chat requests being served or waiting. */
  readonly active: number;
  /** Ends all replies in progress. */
  abort: () => void;
}

/** Makes the interface. */
export function createApp(options: AppOptions): App {
  const {
    model,
    mediaRoots = [],
    maxBodyBytes = 64 * 2 ** 20,
    maxImages = 256,
    maxRequests = 64,
    log = () => {},
  } = options;
  const stop = new AbortController();
  let active = 0;
  const app = new Hono();

  app.onError((error, c) => {
    const shown = toHttpError(error);
    if (shown.status >= 500) log(`${c.req.method} ${c.req.path}: ${error.stack ?? messageOf(error)}`);
    return c.json(shown, shown.status);
  });
  app.notFound((c) =>
    c.json(new HttpError(404, "not_found", `there is no ${c.req.method} ${c.req.path}`), 404),
  );
  app.use(guard(options));

  app.get("/healthz", async (c) => {
    const { name } = await model.info();
    return c.json({ status: "ok", model: name, requests: active });
  });

  app.get("/v1/models", async (c) => {
    const { name, parameters, sampling, syntheticOnly, kind } = await model.info();
    const entry = {
      id: name,
      object: "model",
      created: 0,
      owned_by: "video-r2",
      video_r2: { kind, parameters, sampling, syntheticOnly },
    };
    return c.json({ object: "list", data: [entry] });
  });

  const limit = limitBody(maxBodyBytes, "send fewer or smaller frames");

  app.post("/v1/chat/completions", limit, async (c) => {
    const request = parseChatRequest(await readJson(c.req.raw));
    const { name, sampling } = await model.info();
    if (request.model !== name)
      throw new HttpError(
        404,
        "model_not_found",
        `the model ${request.model} does not exist; this server has ${name}`,
        "model",
      );
    if (active >= maxRequests)
      throw new HttpError(429, "queue_full", `at most ${maxRequests} requests at once; try again later`);
    active++;
    let counted = true;
    const done = () => {
      if (counted) active--;
      counted = false;
    };
    let streaming = false;
    try {
      const messages = await readMessages(request, { sampling, mediaRoots, maxImages });
      const gone = new AbortController();
      const signal = AbortSignal.any([c.req.raw.signal, gone.signal, stop.signal]);
      const job = {
        id: `chatcmpl-${randomUUID()}`,
        created: Math.floor(Date.now() / 1000),
        model,
        request,
        messages,
        signal,
        log,
      };
      if (!request.stream) return await completeChat(c, job);
      const response = streamChat(c, job);
      streaming = true;
      return withEnd(response, done, () => gone.abort());
    } finally {
      if (!streaming) done();
    }
  });

  return {
    fetch: app.fetch,
    get active() {
      return active;
    },
    abort: () => stop.abort(new HttpError(503, "server_stopping", "the server is stopping")),
  };
}

/** The response with word of its end: `ended` however it ends, and `cancelled` before it if the client left. */
function withEnd(response: Response, ended: () => void, cancelled: () => void): Response {
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (!done) return controller.enqueue(value);
        ended();
        controller.close();
      } catch (error) {
        ended();
        controller.error(error);
      }
    },
    async cancel(reason) {
      cancelled();
      ended();
      await reader.cancel(reason);
    },
  });
  return new Response(body, response);
}

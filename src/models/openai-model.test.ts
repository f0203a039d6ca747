import { getEventListeners } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, it } from "vitest";
import { UsageError } from "../base/index.ts";
import { type ChatMessage, complete } from "./chat-model.ts";
import { OpenAIModel, type OpenAIModelOptions } from "./openai-model.ts";

let server: Server | null = null;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = null;
});

type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => void;

/** A real server on a real socket that answers chat requests as told; it has the models `m` and `n`. */
async function listen(chat: Handler, models?: Handler): Promise<string> {
  server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", () => {
      if (request.url?.endsWith("/chat/completions")) chat(request, response, body);
      else if (models) models(request, response, body);
      else json(response, 200, { object: "list", data: [{ id: "m" }, { id: "n" }] });
    });
  });
  server.listen(0, "127.0.0.1");
  await new Promise((resolve) => server?.once("listening", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

const chunk = (delta: object, finish_reason: string | null = null) =>
  `data: ${JSON.stringify({ id: "1", object: "chat.completion.chunk", choices: [{ index: 0, delta, finish_reason }] })}\n\n`;

function stream(response: ServerResponse, ...parts: string[]): void {
  if (!response.headersSent) response.writeHead(200, { "content-type": "text/event-stream" });
  for (const part of parts) response.write(part);
}

const messages: ChatMessage[] = [{ role: "user", content: "Hello." }];
const ask = (url: string, options: Partial<OpenAIModelOptions> = {}, generate = {}) =>
  complete(new OpenAIModel({ url, model: "m", retries: 0, ...options }), messages, generate);

async function failure(promise: Promise<unknown>): Promise<UsageError> {
  const error = await promise.then(
    () => null,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(UsageError);
  return error as UsageError;
}

it("puts reasoning that a server takes out of the text back into its tags", async () => {
  const url = await listen((_q, r) => {
    stream(
      r,
      chunk({ role: "assistant" }),
      chunk({ reasoning_content: "At 00:01 " }),
      chunk({ reasoning_content: "a dot." }),
    );
    stream(
      r,
      chunk({ content: "<answer>B" }),
      chunk({ content: "</answer>" }),
      chunk({}, "stop"),
      "data: [DONE]\n\n",
    );
    r.end();
  });
  expect((await ask(url)).text).toBe("<think>At 00:01 a dot.</think><answer>B</answer>");
});

it("sends what was asked for, and no option that has no effect", async () => {
  let sent: Record<string, unknown> = {};
  const url = await listen((_q, r, body) => {
    sent = JSON.parse(body);
    stream(r, chunk({ content: "x" }, "length"));
    r.end("data: [DONE]\n\n");
  });
  const reply = await ask(url, {}, { maxTokens: 5, seed: 7 });
  expect(sent).toEqual({
    model: "m",
    messages: [{ role: "user", content: "Hello." }],
    stream: true,
    stream_options: { include_usage: true },
    max_tokens: 5,
    temperature: 0,
    seed: 7,
  });
  expect(reply).toMatchObject({
    text: "x",
    finishReason: "length",
    usage: { promptTokens: null, completionTokens: null },
  });
  await ask(url, {}, { topP: 0.9, topK: 3, temperature: 1, stop: ["."] });
  expect(sent).toMatchObject({ top_p: 0.9, top_k: 3, temperature: 1, stop: ["."] });
});

it("tries again after a failure that may pass", async () => {
  let tries = 0;
  const url = await listen((_q, r) => {
    if (++tries < 3) return json(r, 503, { error: { message: "loading" } });
    stream(r, chunk({ content: "x" }, "stop"));
    r.end();
  });
  expect((await ask(url, { retries: 2 })).text).toBe("x");
  expect(tries).toBe(3);
});

it.each([
  [400, "server-refused", "must accept the request"],
  [401, "server-auth", "must accept the key"],
  [404, "model-unknown", "must have the model m"],
  [429, "server-busy", "must have room for the request"],
  [500, "server-failed", "must answer"],
])("explains status %d", async (status, code, rule) => {
  const url = await listen((_q, r) => json(r, status, { error: { message: "because of x" } }));
  const error = await failure(ask(url));
  expect(error.code).toBe(code);
  expect(error.message).toContain(`${url}: ${rule}, got ${status}: because of x`);
});

it("explains a server that is not there", async () => {
  const url = await listen(() => {});
  await new Promise((resolve) => server?.close(resolve));
  const error = await failure(ask(url));
  expect([error.code, error.message]).toEqual([
    "server-unreachable",
    `${url}: must answer, got nothing listens there (ECONNREFUSED)`,
  ]);
});

it("gives up on a server that falls silent, before and in the middle of a reply", async () => {
  const silent = await listen(() => {});
  expect((await failure(ask(silent, { timeoutSeconds: 0.2 }))).code).toBe("server-timeout");
  server?.closeAllConnections();
  server?.close();
  const stalled = await listen((_q, r) => stream(r, chunk({ content: "x" })));
  expect((await failure(ask(stalled, { timeoutSeconds: 0.3 }))).code).toBe("server-timeout");
});

it("does not take a reply that was cut for a whole one", async () => {
  const url = await listen((_q, r) => {
    stream(r, chunk({ content: "x" }));
    r.end();
  });
  expect((await failure(ask(url))).code).toBe("server-incomplete");
  server?.close();
  const cut = await listen((_q, r) => {
    stream(r, chunk({ content: "x" }));
    setTimeout(() => r.destroy(), 20);
  });
  expect((await failure(ask(cut))).code).toBe("server-unreachable");
});

it("explains an error that comes inside the stream", async () => {
  const url = await listen((_q, r) => {
    stream(
      r,
      chunk({ content: "x" }),
      `data: ${JSON.stringify({ error: { message: "out of memory", code: 500 } })}\n\n`,
    );
    r.end();
  });
  expect((await failure(ask(url))).message).toContain("out of memory");
});

it("knows the models of the server", async () => {
  const url = await listen(() => {});
  const other = await failure(new OpenAIModel({ url, model: "x", retries: 0 }).info());
  expect([other.code, other.hint]).toEqual(["model-unknown", `It has m, n; write ${url}#name.`]);
  expect((await failure(new OpenAIModel({ url, retries: 0 }).info())).message).toContain(
    "must be followed by #",
  );
  expect(await new OpenAIModel({ url, model: "n" }).info()).toMatchObject({
    name: "n",
    kind: "server",
    device: url,
    syntheticOnly: false,
  });
});

it("takes the name on trust where the server has no list", async () => {
  const url = await listen(
    () => {},
    (_q, r) => json(r, 404, { error: { message: "no" } }),
  );
  expect((await new OpenAIModel({ url, model: "x", retries: 0 }).info()).name).toBe("x");
});

it("keeps to its number of requests at once", async () => {
  let now = 0;
  let most = 0;
  const url = await listen((_q, r) => {
    most = Math.max(most, ++now);
    setTimeout(() => {
      now--;
      stream(r, chunk({ content: "x" }, "stop"));
      r.end();
    }, 20);
  });
  const model = new OpenAIModel({ url, model: "m", concurrency: 2 });
  await Promise.all(Array.from({ length: 6 }, () => complete(model, messages)));
  expect(most).toBe(2);
});

it("leaves nothing on the signal of many replies at once", async () => {
  const warnings: Error[] = [];
  const note = (warning: Error) => warnings.push(warning);
  process.on("warning", note);
  const url = await listen((_q, r) => {
    stream(r, chunk({ content: "x" }, "stop"));
    r.end();
  });
  const model = new OpenAIModel({ url, model: "m", concurrency: 32 });
  const { signal } = new AbortController();
  await Promise.all(Array.from({ length: 64 }, () => complete(model, messages, { signal })));
  expect(getEventListeners(signal, "abort")).toEqual([]);
  await new Promise((resolve) => setImmediate(resolve));
  process.off("warning", note);
  expect(warnings).toEqual([]);
});

/**
 * A chat server in a process of its own that answers every question at once, alike, in either form of the protocol, and
 * counts: what runners of benchmarks are measured against. It looks at no more of a request than whether it wants its
 * answer streamed, so that its own time is small and the same for all.
 *
 *   node --import tsx bench/instant-server.ts MODEL      prints its address, up to and with /v1
 *
 * GET /stats gives `ServerStats`; POST /reset counts anew.
 */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What came in since the last reset. */
export interface ServerStats {
  /** Questions answered. */
  requests: number;
  /** Of their bodies, in all. */
  bytes: number;
  /** From the first question's arrival to the last one's answer. */
  seconds: number;
  /** Connections opened, by whatever request. */
  connections: number;
  /** Processor time of this process. */
  cpuSeconds: number;
}

const model = process.argv[2] ?? "instant";
const answer =
  "<think>At 00:01, a red circle appears on the left. At 00:03, a blue square moves to the right. The circle was there first, so the answer is option (A).</think><answer>A</answer>";
const usage = { prompt_tokens: 900, completion_tokens: 48, total_tokens: 948 };
const shared = { id: "chatcmpl-1", created: 1_700_000_000, model };

const whole = Buffer.from(
  JSON.stringify({
    ...shared,
    object: "chat.completion",
    choices: [
      { index: 0, message: { role: "assistant", content: answer }, logprobs: null, finish_reason: "stop" },
    ],
    usage,
  }),
);

const event = (fields: object): string =>
  `data: ${JSON.stringify({ ...shared, object: "chat.completion.chunk", ...fields })}\n\n`;
const streamed = Buffer.from(
  [
    event({ choices: [{ index: 0, delta: { role: "assistant", content: answer }, finish_reason: null }] }),
    event({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] }),
    event({ choices: [], usage }),
    "data: [DONE]\n\n",
  ].join(""),
);

let requests = 0;
let bytes = 0;
let connections = 0;
let first = 0;
let last = 0;
let cpu = process.cpuUsage();

function reset(): void {
  [requests, bytes, connections, first, last] = [0, 0, 0, 0, 0];
  cpu = process.cpuUsage();
}

function stats(): ServerStats {
  const { user, system } = process.cpuUsage(cpu);
  return { requests, bytes, seconds: (last - first) / 1000, connections, cpuSeconds: (user + system) / 1e6 };
}

function reply(response: ServerResponse, type: string, body: Buffer): void {
  response.writeHead(200, { "content-type": type, "content-length": body.length });
  response.end(body);
}

function chat(request: IncomingMessage, response: ServerResponse): void {
  if (first === 0) first = performance.now();
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const body = Buffer.concat(chunks);
    requests++;
    bytes += body.length;
    last = performance.now();
    if (/"stream":\s*true/.test(withoutMessages(body))) reply(response, "text/event-stream", streamed);
    else reply(response, "application/json", whole);
  });
}

/** The start and the end of a body: its messages, with all pictures, lie between. */
function withoutMessages(body: Buffer): string {
  const edge = 300;
  return body.toString("latin1", 0, edge) + body.toString("latin1", Math.max(edge, body.length - edge));
}

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  const { url = "" } = request;
  if (url.endsWith("/chat/completions")) return chat(request, response);
  if (url === "/reset") reset();
  request.resume();
  const models = { object: "list", data: [{ id: model, object: "model" }] };
  reply(response, "application/json", json(url === "/stats" ? stats() : models));
});
server.on("connection", () => {
  connections++;
});
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v1\n`);
});
process.on("disconnect", () => process.exit());

/** A real HTTP server on a real socket that does as a test tells it. */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What of a chat request tests look at. */
export interface SeenRequest {
  model: string;
  messages: { role: string; content: string }[];
  temperature?: number;
  max_tokens?: number;
  response_format?: { type: string };
  chat_template_kwargs?: object;
  top_k?: number;
  input?: string[];
}

/** Answers one request; `number` counts from 1. */
export type Script = (seen: SeenRequest, response: ServerResponse, number: number) => void;

/** A running server. */
export interface ScriptedServer {
  /** Its address, up to and with `/v1`. */
  url: string;
  /** Chat and embedding requests so far. */
  seen: SeenRequest[];
  /** Cuts every connection and frees the port. */
  close(): Promise<void>;
}

/** Sends JSON. */
export function json(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
}

/** A whole reply of the protocol. */
export function completion(content: string, finish = "stop"): object {
  return {
    id: "1",
    object: "chat.completion",
    choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: finish }],
    usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 },
  };
}

/** Replies with text. */
export const say = (response: ServerResponse, content: string, finish?: string) =>
  json(response, 200, completion(content, finish));

function readBody(request: IncomingMessage): Promise<string> {
  return new Promise((resolve) => {
    let body = "";
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", () => resolve(body));
  });
}

/** Starts a server with the model `m`; on a port of the system's choice, or on `port`. */
export async function startServer(script: Script, port = 0): Promise<ScriptedServer> {
  const seen: SeenRequest[] = [];
  const server: Server = createServer(async (request, response) => {
    const body = await readBody(request);
    if (request.url?.endsWith("/models")) return json(response, 200, { object: "list", data: [{ id: "m" }] });
    const asked = JSON.parse(body) as SeenRequest;
    seen.push(asked);
    script(asked, response, seen.length);
  });
  server.listen(port, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    seen,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

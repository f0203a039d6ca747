/**
 * `fetch` over Node's own HTTP client, for the `openai` client: it does less for each request than the built-in one, and
 * has no limit of five minutes to the first byte. What it does not do, other bodies than text and bytes and redirections,
 * the built-in one does.
 */

import { Agent, type ClientRequest, type IncomingMessage, request } from "node:http";
import { Agent as SecureAgent, request as secureRequest } from "node:https";

/** Connections are kept for the next request, but not so long that a server would close them first; many do after 5 s. */
const kept = { keepAlive: true, timeout: 4000 };
const agent = new Agent(kept);
const secureAgent = new SecureAgent(kept);

/** Statuses of replies without a body. */
const bodiless = [204, 205, 304];

function headersOf({ rawHeaders }: IncomingMessage): Headers {
  const headers = new Headers();
  for (let i = 0; i < rawHeaders.length; i += 2)
    headers.append(rawHeaders[i] as string, rawHeaders[i + 1] as string);
  return headers;
}

/** The reply to a request, once its head is there. */
function replyTo(sent: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    sent.on("response", resolve);
    sent.on("error", reject);
  });
}

/** As the built-in `fetch`, but errors are Node's own, such as `ECONNREFUSED`. */
export async function nodeFetch(input: string | URL | Request, init: RequestInit = {}): Promise<Response> {
  const { body = null, method = "GET", signal } = init;
  const plain = body === null || typeof body === "string" || body instanceof Uint8Array;
  if (input instanceof Request || !plain) return fetch(input, init);
  const url = new URL(input);
  const headers: Record<string, string> = {};
  new Headers(init.headers).forEach((value, name) => {
    headers[name] = value;
  });
  if (body !== null) headers["content-length"] = String(Buffer.byteLength(body));
  const options = { method, headers, ...(signal ? { signal } : {}) };
  const sent =
    url.protocol === "https:"
      ? secureRequest(url, { ...options, agent: secureAgent })
      : request(url, { ...options, agent });
  sent.end(body ?? undefined);
  const message = await replyTo(sent);
  const { statusCode: status = 0, statusMessage: statusText = "" } = message;
  if (message.headers.location !== undefined && status >= 300 && status < 400) {
    message.destroy();
    return fetch(input, init);
  }
  const empty = bodiless.includes(status);
  if (empty) message.resume();
  // Node's response takes any async iterable for a body; the browser's types do not say so.
  const content = empty ? null : (message as unknown as ReadableStream<Uint8Array>);
  return new Response(content, { status, statusText, headers: headersOf(message) });
}

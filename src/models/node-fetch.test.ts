import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, it } from "vitest";
import { nodeFetch } from "./node-fetch.ts";

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** A real server on a real socket. */
async function listen(answer: RequestListener): Promise<{ url: string; server: Server }> {
  const server = createServer(answer);
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

/** Answers with what it was sent. */
const echo: RequestListener = (request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    const { method, headers, url } = request;
    const body = Buffer.concat(chunks).toString();
    response.writeHead(201, { "content-type": "application/json", "x-twice": ["1", "2"] });
    response.end(
      JSON.stringify({ method, url, body, length: headers["content-length"], own: headers["x-own"] }),
    );
  });
};

it.each([
  ["text", "grün", "grün", "5"],
  ["bytes", new Uint8Array([97, 98]), "ab", "2"],
  ["nothing", undefined, "", undefined],
])("sends %s", async (_name, body, arrived, length) => {
  const { url } = await listen(echo);
  const method = body === undefined ? "GET" : "POST";
  const reply = await nodeFetch(`${url}/a?b=c`, {
    method,
    headers: { "X-Own": "1" },
    ...(body === undefined ? {} : { body }),
  });
  expect([reply.status, reply.ok, reply.headers.get("x-twice")]).toEqual([201, true, "1, 2"]);
  expect(await reply.json()).toEqual({ method, url: "/a?b=c", body: arrived, length, own: "1" });
});

it("leaves other bodies to the built-in fetch", async () => {
  const { url } = await listen(echo);
  const reply = await nodeFetch(url, { method: "POST", body: new URLSearchParams({ a: "b" }) });
  expect(await reply.json()).toMatchObject({ body: "a=b" });
});

it("uses a connection again", async () => {
  const { url, server } = await listen((request, response) => echo(request, response));
  let connections = 0;
  server.on("connection", () => connections++);
  for (let i = 0; i < 5; i++) await (await nodeFetch(url)).text();
  expect(connections).toBe(1);
});

it("follows redirections", async () => {
  const { url: target } = await listen(echo);
  const { url } = await listen((_request, response) =>
    response.writeHead(307, { location: `${target}/there` }).end(),
  );
  const reply = await nodeFetch(url, { method: "POST", body: "kept" });
  expect(await reply.json()).toMatchObject({ method: "POST", url: "/there", body: "kept" });
});

it("takes a reply without a body", async () => {
  const { url } = await listen((_request, response) => response.writeHead(204).end());
  const reply = await nodeFetch(url);
  expect([reply.status, reply.body, await reply.text()]).toEqual([204, null, ""]);
});

it("streams", async () => {
  const { url } = await listen((_request, response) => {
    response.write("one");
    setTimeout(() => response.end("two"), 50);
  });
  const seen: string[] = [];
  const decoder = new TextDecoder();
  const body = (await nodeFetch(url)).body as unknown as AsyncIterable<Uint8Array>;
  for await (const chunk of body) seen.push(decoder.decode(chunk));
  expect(seen).toEqual(["one", "two"]);
});

it("fails with Node's own errors, before a reply and within it", async () => {
  const { url, server } = await listen(() => {});
  await new Promise((resolve) => server.close(resolve));
  await expect(nodeFetch(url)).rejects.toMatchObject({ code: "ECONNREFUSED" });
  const { url: cut } = await listen((_request, response) => {
    response.write("one");
    setTimeout(() => response.destroy(), 20);
  });
  await expect((await nodeFetch(cut)).text()).rejects.toMatchObject({ code: "ECONNRESET" });
});

it("ends when it is told to", async () => {
  const { url } = await listen(() => {});
  const abort = new AbortController();
  setTimeout(() => abort.abort(), 20);
  await expect(nodeFetch(url, { signal: abort.signal })).rejects.toMatchObject({ name: "AbortError" });
});

/** Requests of all kinds of nonsense: each is answered, none with a fault of the server. */

import { connect } from "node:net";
import { expect, it } from "vitest";
import { Random } from "../../base/index.ts";
import { LexicalEmbedder, RulesJudge } from "../../judges/index.ts";
import { startRewardServer } from "../start-reward-server.ts";
import type { RewardApp } from "./create-reward-app.ts";
import { goodItem, makeRewardApp, paperSettings, says } from "./testing/ask-rewards.ts";

const apiKey = "key";
const prompt = "<|im_start|>user\nWhich?<|im_end|>\n<|im_start|>assistant\n";
const valid: { path: string; body: unknown }[] = [
  {
    path: "/v1/rewards",
    body: { step: 1, explain: true, deadline_seconds: 5, items: [goodItem("a"), goodItem(2)] },
  },
  {
    path: "/v1/rewards",
    body: {
      items: [
        {
          id: "b",
          completion: says("3", "3"),
          row: {
            question: "How many?",
            conversations: [{ from: "gpt", value: "<answer>3</answer>" }],
            temporal_grounding: JSON.stringify([{ start: 1, end: "00:02", text: "a dog" }]),
            options: null,
            duration: "00:10",
            startSeconds: 3,
            is_truncated: true,
          },
        },
      ],
    },
  },
  {
    path: "/openrlhf",
    body: {
      query: [`${prompt}${says("blue", "B")}<|im_end|>`, `${prompt}x`],
      prompts: [prompt, prompt],
      labels: [goodItem("a").row, "B"],
    },
  },
];

const nasty: unknown[] = [
  null,
  true,
  -1,
  0,
  1e308,
  -0.5,
  "",
  " ",
  "\u0000",
  "\ud800",
  "__proto__",
  "constructor",
  "{",
  '{"a": 1}',
  "[]",
  "NaN",
  "99:99:99",
  "<think>".repeat(300),
  "</answer>".repeat(300),
  "00:01 ".repeat(300),
  "((((".repeat(200),
  [],
  {},
  [[]],
  [null],
  { toString: 1 },
  { length: 4 },
  JSON.parse('{"__proto__": {"x": 1}}'),
  Array.from({ length: 60 }, (_, i) => String(i)),
  Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`00:${i}`, "x"])),
];
const keys = [
  "id",
  "items",
  "row",
  "options",
  "solution",
  "temporal_grounding",
  "__proto__",
  "then",
  "duration",
];

/** Changes one place of a JSON value, chosen at random at any depth. */
function mutate(value: unknown, random: Random): unknown {
  const isLeaf = typeof value !== "object" || value === null;
  if (isLeaf || random.uniform() < 0.15) return random.pick(nasty);
  if (Array.isArray(value)) {
    const copy: unknown[] = [...value];
    const at = random.integer(0, copy.length + 1);
    const deed = random.uniform();
    if (at === copy.length) copy.push(random.pick(nasty));
    else if (deed < 0.15) copy.splice(at, 1);
    else if (deed < 0.3) copy.push(copy[at]);
    else copy[at] = mutate(copy[at], random);
    return copy;
  }
  const entries = Object.entries(value);
  if (entries.length === 0 || random.uniform() < 0.15)
    return Object.fromEntries([...entries, [random.pick(keys), random.pick(nasty)]]);
  const at = random.integer(0, entries.length);
  const [key, old] = entries[at] as [string, unknown];
  if (random.uniform() < 0.1) entries.splice(at, 1);
  else entries[at] = [key, mutate(old, random)];
  return Object.fromEntries(entries);
}

/** Changes the text of a body: cut, doubled, bytes replaced, deeply nested. */
function garble(text: string, random: Random): string {
  const at = random.integer(0, text.length + 1);
  switch (random.integer(0, 6)) {
    case 0:
      return text.slice(0, at);
    case 1:
      return text.slice(0, at) + String.fromCharCode(random.integer(0, 0x10000)) + text.slice(at + 1);
    case 2:
      return text + text;
    case 3:
      return text.slice(0, at) + text.slice(at + random.integer(0, 20));
    case 4:
      return `${"[".repeat(5000)}${"]".repeat(5000)}`;
    default:
      return `{"items": [{"id": 1, "completion": "x", "row": {"x": ${"[".repeat(3000)}${"]".repeat(3000)}}}]}`;
  }
}

interface Fuzzed {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string | null;
}

/** The request of a number; half of them are well-formed JSON of a wrong shape. */
function fuzzed(number: number): Fuzzed {
  const random = new Random(`fuzz ${number}`);
  const { path, body } = random.pick(valid);
  let value = body;
  for (let i = random.integer(0, 4); i > 0; i--) value = mutate(value, random);
  let text: string | null = JSON.stringify(value) ?? "undefined";
  if (random.uniform() < 0.25) text = garble(text, random);
  const headers: Record<string, string> = {
    authorization: `Bearer ${apiKey}`,
    "content-type": "application/json",
  };
  let method = "POST";
  let place = path;
  const odd = random.uniform();
  if (odd < 0.03)
    headers.authorization = random.pick(["", "Bearer", "Bearer nope", "Basic !!", "Basic a2V5"]);
  else if (odd < 0.06) headers["content-type"] = random.pick(["", "text/plain", "application/xml", "json"]);
  else if (odd < 0.09) method = random.pick(["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"]);
  else if (odd < 0.12)
    place = random.pick([
      "/",
      "/v1",
      "/v1/rewards/",
      "/healthz",
      "/metrics",
      "/%ff",
      "/../x",
      "/v1/rewards?x=%",
    ]);
  else if (odd < 0.14) headers["x-request-id"] = random.pick(["", "x".repeat(3000), "a b", "ok-1"]);
  if (method === "GET" || method === "HEAD") text = null;
  return { method, path: place, headers, body: text };
}

/** Checks that an answer is one of a server that is well, with a message where it refuses. */
function checkAnswer(sent: Fuzzed, status: number, text: string): void {
  const shown = JSON.stringify(sent).slice(0, 2000);
  expect(status, shown).toBeLessThan(500);
  if (status < 400 || sent.method === "HEAD") return;
  const { error } = JSON.parse(text) as { error: { message: string; code: string; type: string } };
  expect(error.message.length, shown).toBeGreaterThan(10);
  expect(error.code, shown).toMatch(/^[a-z_-]+$/);
}

async function inProcess(app: RewardApp, sent: Fuzzed): Promise<number> {
  const { method, path, headers, body } = sent;
  const response = await app.fetch(new Request(`http://127.0.0.1${path}`, { method, headers, body }));
  checkAnswer(sent, response.status, await response.text());
  return response.status;
}

it("10,000 mutated requests: no 5xx, no crash, refusals that say why, no fault in the log", async () => {
  const faults: unknown[] = [];
  const app = makeRewardApp({
    apiKey,
    log: (level, _event, fields) => level === "error" && faults.push(fields),
  });
  const statuses = new Map<number, number>();
  let next = 0;
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      while (next < 10_000) {
        const status = await inProcess(app, fuzzed(next++));
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
    }),
  );
  expect(faults).toEqual([]);
  // All kinds of answers were met, none by far the most.
  expect([...statuses.keys()].sort()).toEqual([200, 400, 401, 404, 415, 422]);
  for (const status of [200, 400, 422]) expect(statuses.get(status)).toBeGreaterThan(500);
  expect(app.active).toBe(0);
  const [result] = (
    (await (await app.fetch(goodRequest("http://127.0.0.1"))).json()) as { results: unknown[] }
  ).results;
  expect(result).toMatchObject({ total: 3 });
});

const goodRequest = (url: string) =>
  new Request(`${url}/v1/rewards`, {
    method: "POST",
    headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json" },
    body: JSON.stringify({ items: [goodItem("last")] }),
  });

/** Writes bytes to a socket, and reads until it is closed or a moment has passed. */
function raw(url: URL, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(Number(url.port), url.hostname);
    let text = "";
    const done = () => {
      socket.destroy();
      resolve(text);
    };
    socket.setTimeout(300, done);
    socket.on("data", (piece) => {
      text += piece.toString("latin1");
    });
    socket.on("error", done);
    socket.on("close", done);
    socket.write(bytes, "latin1");
  });
}

it("over a socket likewise, also what is no HTTP, and bodies that are too large or stop half-way", async () => {
  const faults: unknown[] = [];
  const server = await startRewardServer({
    judge: new RulesJudge(),
    embedder: new LexicalEmbedder(),
    settings: paperSettings,
    apiKey,
    port: 0,
    maxBodyBytes: 100_000,
    log: (level, _event, fields) => level === "error" && faults.push(fields),
  });
  try {
    for (let number = 10_000; number < 10_400; number++) {
      const sent = fuzzed(number);
      const { method, path, headers, body } = sent;
      const response = await fetch(`${server.url}${path}`, { method, headers, body });
      checkAnswer(sent, response.status, await response.text());
    }
    const url = new URL(server.url);
    const head = `POST /v1/rewards HTTP/1.1\r\nhost: ${url.host}\r\nauthorization: Bearer ${apiKey}\r\ncontent-type: application/json\r\n`;
    const answers = await Promise.all(
      [
        "\r\n\r\n",
        "GET\r\n\r\n",
        "\x00\x01\x02\x03\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        `POST /v1/rewards HTTP/1.1\r\nhost: ${"x".repeat(20_000)}\r\n\r\n`,
        `${head}content-length: 1000\r\n\r\n{"items"`,
        `${head}content-length: 2000000\r\n\r\n{"items"`,
        `${head}transfer-encoding: chunked\r\n\r\n${`ffff\r\n${" ".repeat(0xffff)}\r\n`.repeat(3)}`,
        `${head}content-length: nonsense\r\n\r\n`,
        `${head}content-length: 2\r\n\r\n{}garbage`,
      ].map((bytes) => raw(url, bytes)),
    );
    for (const answer of answers) expect(answer).not.toMatch(/^HTTP\/1\.1 5/);
    expect(answers[6]).toMatch(/^HTTP\/1\.1 413/);
    expect(answers[7]).toMatch(/^HTTP\/1\.1 413/);
    const response = await fetch(goodRequest(server.url));
    expect(await response.json()).toMatchObject({ results: [{ id: "last", total: 3 }] });
    expect(faults).toEqual([]);
    await expect.poll(() => server.active).toBe(0);
  } finally {
    await server.close(0);
  }
});

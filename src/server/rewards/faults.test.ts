/** A judge that is dead, slow or lying: answers come in time, and every item is accounted for. */

import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { afterEach, expect, it } from "vitest";
import { LexicalEmbedder, openEmbedder, openJudge } from "../../judges/index.ts";
import {
  json,
  type Script,
  type ScriptedServer,
  say,
  startServer as startJudge,
} from "../../judges/testing/scripted-server.ts";
import { startRewardServer } from "../start-reward-server.ts";
import type { RunningServer } from "../start-server.ts";
import { agree, goodItem, paperSettings, type SentResult, says, taskOf } from "./testing/ask-rewards.ts";

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const deadline = 1;
const concurrency = 8;

/** A reward server on a socket, judged by a server that does as the script says. */
async function rewardsJudgedBy(script: Script): Promise<{ rewards: RunningServer; judge: ScriptedServer }> {
  const judge = await startJudge(script);
  closing.push(() => judge.close());
  const rewards = await startRewardServer({
    judge: await openJudge(`${judge.url}#m`, {
      concurrency,
      retries: 1,
      retrySeconds: 0.01,
      timeoutSeconds: 0.4,
    }),
    embedder: new LexicalEmbedder(),
    settings: paperSettings,
    deadlineSeconds: deadline,
    inFlight: 2 * concurrency,
    port: 0,
  });
  closing.push(() => rewards.close(0));
  return { rewards, judge };
}

/** Items whose reasoning differs, so that the judge is asked about each. */
const item = (client: number, i: number) =>
  goodItem(`${client}/${i}`, {
    completion: says("blue", "B", `At 00:03 a blue star appears. It is star ${client} of ${i}.`),
  });

interface Answered {
  results: SentResult[];
  ids: (string | number)[];
  seconds: number;
}

/** Several clients at once, each with requests of four items one after the other. */
async function ask(url: string, clients: number, requests: number): Promise<Answered[]> {
  const answers: Answered[] = [];
  await Promise.all(
    Array.from({ length: clients }, async (_, client) => {
      for (let request = 0; request < requests; request++) {
        const items = Array.from({ length: 4 }, (_, i) => item(client, 4 * request + i));
        const begun = performance.now();
        const response = await fetch(`${url}/v1/rewards`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ items }),
        });
        expect(response.status).toBe(200);
        const { results } = (await response.json()) as { results: SentResult[] };
        const seconds = (performance.now() - begun) / 1000;
        answers.push({ results, ids: items.map(({ id }) => id), seconds });
      }
    }),
  );
  return answers;
}

/** Checks that all items have a result, in their order, in time, with the parts that need no judge. */
function checkAccounted(answers: readonly Answered[], most: number): SentResult[] {
  for (const { results, ids, seconds } of answers) {
    expect(results.map(({ id }) => id)).toEqual(ids);
    expect(seconds).toBeLessThan(most);
    for (const { rewards, total, reasons } of results) {
      expect(rewards.accuracy).not.toBeUndefined();
      for (const [name, value] of Object.entries({ ...rewards, total }))
        expect([name, value === null]).toEqual([name, reasons?.[name] !== undefined]);
    }
  }
  return answers.flatMap(({ results }) => results);
}

it("dead: whatever needs the judge is null, and no answer is late", async () => {
  const { rewards, judge } = await rewardsJudgedBy(agree);
  const alive = checkAccounted(await ask(rewards.url, 2, 1), deadline + 1);
  expect(alive.every(({ total }) => total === 3)).toBe(true);
  await judge.close();
  const results = checkAccounted(await ask(rewards.url, 8, 4), deadline + 2);
  // The items of the first two clients are remembered.
  const dead = results.filter(({ total }) => total === null);
  expect(dead).toHaveLength(results.length - 8);
  for (const { rewards: parts, reasons } of dead) {
    expect(parts).toEqual({ accuracy: 1, format: 1, tar: null });
    expect(reasons?.tar).toMatch(/^judge: http|^deadline$/);
  }
});

it("slow: at the deadline the answer has what is known, and new requests are not held up by old ones", async () => {
  const { rewards } = await rewardsJudgedBy(() => {});
  const results = checkAccounted(await ask(rewards.url, 12, 2), deadline + 1.5);
  const begun = results.filter(({ rewards: { accuracy } }) => accuracy === 1);
  expect(begun.length).toBeGreaterThanOrEqual(2 * concurrency);
  for (const { rewards: parts, reasons } of results) {
    expect(parts.tar).toBeNull();
    expect(reasons?.tar).toMatch(/^deadline$|^judge: /);
  }
});

it("slow to say some things: the rest of the parts are there", async () => {
  const { rewards } = await rewardsJudgedBy((seen, response) => {
    if (taskOf(seen) === "claims") agree(seen, response);
    else say(response, '{"words": "So blue.", "verdict": "inconsistent"}');
  });
  const results = checkAccounted(await ask(rewards.url, 4, 2), deadline + 1);
  for (const { rewards: parts, total } of results)
    expect({ ...parts, total }).toEqual({ accuracy: 1, format: 1, tar: 0, total: 2 });
});

it("lying: garbage of all kinds makes nulls with reasons, and good replies between it still count", async () => {
  let number = 0;
  const { rewards } = await rewardsJudgedBy((seen, response) => {
    const lies: (() => void)[] = [
      () => agree(seen, response),
      () => say(response, "¯\\_(ツ)_/¯ {{{"),
      () => json(response, 200, { error: "none" }),
      () => response.writeHead(500).end("<html>"),
      () => response.destroy(),
      () => say(response, ""),
      () => response.writeHead(200, { "content-type": "application/json" }).end('{"choices": [{"mess'),
    ];
    // Three of four replies are as they should be.
    const lie = number++ % 4 === 0 ? (number >> 2) % lies.length : 0;
    lies[lie]?.();
  });
  const results = checkAccounted(await ask(rewards.url, 8, 6), 3 * deadline);
  expect(results).toHaveLength(192);
  expect(results.filter(({ total }) => total === 3).length).toBeGreaterThan(96);
  for (const { total, reasons } of results)
    if (total === null) expect(reasons?.tar).toMatch(/^judge: |^deadline$/);
    else expect(total).toBe(3);
});

it("an embedder that is not there makes nulls likewise", async () => {
  const server = await startJudge((seen, response) =>
    json(response, 200, {
      data: (seen.input ?? []).map((_text, index) => ({ index, embedding: [1, 0] })),
    }),
  );
  const embedder = await openEmbedder(`${server.url}#m`, { retries: 1, timeoutSeconds: 0.4 });
  const rewards = await startRewardServer({
    judge: await openJudge("rules"),
    embedder,
    settings: paperSettings,
    deadlineSeconds: deadline,
    port: 0,
  });
  closing.push(() => rewards.close(0));
  const [before] = checkAccounted(await ask(rewards.url, 1, 1), deadline + 1);
  expect(before?.rewards.tar).toBeGreaterThan(0);
  await server.close();
  const results = checkAccounted(await ask(rewards.url, 4, 2), 3 * deadline);
  const nulls = results.filter(({ rewards: { tar } }) => tar === null);
  expect(nulls.length).toBe(results.length - 4);
  for (const { reasons } of nulls) expect(reasons?.tar).toMatch(/^embedder: |^deadline$/);
});

it("says of an address that is taken, and of one that is open to all without a key", async () => {
  const taken = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => taken.once("listening", resolve));
  const { port } = taken.address() as AddressInfo;
  const options = {
    judge: await openJudge("rules"),
    embedder: new LexicalEmbedder(),
    settings: paperSettings,
  };
  await expect(startRewardServer({ ...options, port })).rejects.toMatchObject({ code: "server-listen" });
  await expect(startRewardServer({ ...options, host: "0.0.0.0", port: 0 })).rejects.toMatchObject({
    code: "server-open",
  });
  taken.close();
});

/** The reward server as trainers meet it: a process that may be killed, and comes back. */

import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it, vi } from "vitest";
import { startServer as startJudge } from "../src/judges/testing/scripted-server.ts";
import {
  agree,
  goodItem,
  makeRewardApp,
  rewardsOf,
  type SentResult,
  says,
} from "../src/server/rewards/testing/ask-rewards.ts";
import { runCli, startCli } from "./run-cli.ts";

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const running: ReturnType<typeof startCli>[] = [];
afterEach(() => {
  for (const { child } of running.splice(0)) child.kill("SIGKILL");
});

/** What the program says of itself when it serves. */
interface Said {
  url: string;
  judge: string;
  embedder: string;
  compat: string;
}

async function serve(args: readonly string[], env: Record<string, string> = {}) {
  const serving = startCli(["serve", "rewards", "--json", ...args], env);
  running.push(serving);
  const line = await Promise.race([
    new Promise<string>((resolve) => serving.child.stdout?.once("data", (text) => resolve(String(text)))),
    serving.result.then(({ stderr }) => Promise.reject(new Error(`it ended: ${stderr}`))),
  ]);
  return { ...serving, said: JSON.parse(line) as Said };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const send = (url: string, items: readonly object[], headers: Record<string, string> = {}) =>
  fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ items }),
  });

/** Asks until there is an answer, as trainers' clients do; `failures` counts what went wrong on the way. */
async function askPatiently(url: string, items: readonly object[]) {
  for (let failures = 0; ; failures++) {
    try {
      const response = await send(url, items);
      if (response.ok)
        return { failures, results: ((await response.json()) as { results: SentResult[] }).results };
      expect([429, 503]).toContain(response.status);
      await response.text();
    } catch (error) {
      expect(error).toBeInstanceOf(TypeError);
    }
    await sleep(50);
  }
}

/** Completions that earn 0 to 3, so that one answer does not pass for another. */
function itemOf(i: number) {
  const answer = i % 3 === 0 ? "A" : "B";
  const conclusion = i % 5 === 0 ? "red" : "blue";
  const seen = `At 00:0${i % 10} a blue star appears, as on ${i}.`;
  return { ...goodItem(`item ${i}`), completion: says(conclusion, answer, seen) };
}

describe("video-r2 serve rewards", () => {
  it("killed and started again in the middle of a run, loses nothing for clients that ask again", async () => {
    const port = String(await freePort());
    const first = await serve(["--port", port, "--log-level", "error"]);
    const { url } = first.said;
    // What another server says, in this process.
    const all = Array.from({ length: 280 }, (_, i) => itemOf(i));
    const expected = new Map((await rewardsOf(makeRewardApp(), all)).map((result) => [result.id, result]));
    expect(new Set([...expected.values()].map(({ total }) => total)).size).toBe(3);
    let failures = 0;
    let answered = 0;
    let restarted: Promise<unknown> = Promise.resolve();
    const client = async (number: number): Promise<void> => {
      for (let round = 0; round < 30; round++) {
        // One that no server knows yet, beside some that may be remembered.
        const fresh = itemOf(40 + 30 * number + round);
        const known = [0, 1, 2, 3].map((i) => itemOf((number + round + i * 7) % 40));
        const asked = await askPatiently(url, [fresh, ...known]);
        failures += asked.failures;
        expect(asked.results).toEqual([fresh, ...known].map(({ id }) => expected.get(id)));
        answered++;
        if (answered === 60) {
          first.child.kill("SIGKILL");
          restarted = first.result.then(() => serve(["--port", port, "--log-level", "error"]));
        }
      }
    };
    await Promise.all(Array.from({ length: 8 }, (_, number) => client(number)));
    await restarted;
    expect(answered).toBe(240);
    expect(failures).toBeGreaterThan(0);
  });

  it("stopped, answers what it has and refuses what is new", async () => {
    const held: (() => void)[] = [];
    const judge = await startJudge((seen, response) => held.push(() => agree(seen, response)));
    try {
      const serving = await serve(["--port", "0", "--judge", `${judge.url}#m`]);
      const { url } = serving.said;
      expect(serving.said).toMatchObject({ judge: `${judge.url}#m, prompts v1`, embedder: "lexical v1" });
      const waiting = send(url, [goodItem("a")]);
      await expect.poll(() => held.length).toBe(2);
      serving.child.kill("SIGTERM");
      await expect.poll(async () => (await send(url, [])).status, { interval: 5 }).toBe(503);
      for (const answer of held) answer();
      const { results } = (await (await waiting).json()) as { results: SentResult[] };
      expect(results).toEqual([{ id: "a", rewards: { accuracy: 1, format: 1, tar: 1 }, total: 3 }]);
      const { code, stderr } = await serving.result;
      expect(code).toBe(0);
      const lines = stderr
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as { event: string; status?: number; requests?: number });
      expect(lines.find(({ event }) => event === "stopping")?.requests).toBe(1);
      expect(lines.filter(({ event }) => event === "request").map(({ status }) => status)).toContain(503);
    } finally {
      await judge.close();
    }
  });

  it("takes its settings from flags, its key from the environment", async () => {
    const { said } = await serve(
      ["--port", "0", "--compat", "reference", "--weights", "2,0.5,1", "--no-gate", "--log-level", "silent"],
      { VIDEO_R2_REWARD_TOKEN: "secret" },
    );
    expect(said.compat).toBe("reference");
    expect((await send(said.url, [])).status).toBe(401);
    const item = { ...goodItem("a"), completion: says("red", "B", "At 00:07 a blue star appears.") };
    const response = await send(said.url, [item], { authorization: "Bearer secret" });
    // The released code lets claims be 4 s apart; without the gate they count though the reasoning says red.
    expect(await response.json()).toEqual({
      results: [{ id: "a", rewards: { accuracy: 1, format: 1, tar: 1 }, total: 3.5 }],
    });
  });

  it.each([
    [["--host", "0.0.0.0"], "server-open"],
    [["--weights", "1,1"], "usage"],
    [["--compat", "reference", "--mode", "f1"], "usage"],
    [["--judge", "nobody"], "judge-invalid"],
    [["--deadline", "0"], "usage"],
  ])("refuses %j", async (args, code) => {
    const result = await runCli(["serve", "rewards", "--json", ...args]);
    expect([result.code, JSON.parse(result.stdout).error.code]).toEqual([2, code]);
  });
});

/**
 * What rewards add to a step of synchronous GRPO on many GPUs: every rank sends its completion at the same moment, and
 * the step goes on when the last one has its rewards. By rules, and with a judge that answers each request after 0.3 s,
 * as a large model with a short reply does, however many it is asked at once.
 *
 * Run: npm run bench -- scale
 */

import { say, startServer as startJudge } from "../src/judges/testing/scripted-server.ts";
import { type Item, makeGroup, send, startServer } from "./rewards.ts";

const ranks = [8, 64, 1000];
const steps = 5;
const judgeMs = 300;
const group = 8;

interface Burst {
  ranks: number;
  /** Seconds until the last answer, of each step. */
  seconds: number[];
  nulls: number;
}

let made = 0;

/** The completions of a step, none of which was seen before: groups of eight, one completion for each rank. */
function stepItems(count: number): Item[] {
  return Array.from({ length: Math.ceil(count / group) }, () => makeGroup(made++))
    .flat()
    .slice(0, count);
}

/** As a trainer's client: a kept connection that the server has closed meanwhile is tried anew. */
const sendTwice = (url: URL, body: string): ReturnType<typeof send> =>
  send(url, body).catch(() => send(url, body));

async function bursts(url: URL, count: number): Promise<Burst> {
  const seconds: number[] = [];
  let nulls = 0;
  for (let step = 0; step <= steps; step++) {
    const bodies = stepItems(count).map((item) => JSON.stringify({ step, items: [item] }));
    const begun = performance.now();
    const answers = await Promise.all(bodies.map((body) => sendTwice(url, body)));
    // The first one opens the connections.
    if (step > 0) seconds.push((performance.now() - begun) / 1000);
    for (const { status, text } of answers) {
      if (status !== 200) throw new Error(`status ${status}: ${text}`);
      const { results } = JSON.parse(text) as { results: { rewards: Record<string, number | null> }[] };
      nulls += results.filter(({ rewards }) => Object.values(rewards).includes(null)).length;
    }
  }
  return { ranks: count, seconds: seconds.sort((a, b) => a - b), nulls };
}

async function withServer(flags: string[]): Promise<Burst[]> {
  const { child, url } = await startServer(...flags);
  try {
    await bursts(url, 64);
    const found: Burst[] = [];
    for (const count of ranks) found.push(await bursts(url, count));
    return found;
  } finally {
    child.kill("SIGTERM");
    await new Promise((resolve) => child.once("exit", resolve));
  }
}

/** Runs the bench. @returns a table in Markdown */
export async function benchScale(): Promise<{ markdown: string }> {
  let asked = 0;
  const judge = await startJudge((seen, response) => {
    asked++;
    const task = seen.messages.map(({ content }) => content).join("\n");
    const reply = task.includes('"claims"')
      ? '{"claims": [{"start": 3, "end": 5, "text": "the red circle appears on the left"}]}'
      : '{"words": null, "verdict": "consistent"}';
    setTimeout(() => say(response, reply), judgeMs);
  });
  try {
    const rules = await withServer([]);
    const judged: { at: number; found: Burst[] }[] = [];
    for (const at of [32, 512])
      judged.push({
        at,
        found: await withServer(["--judge", `${judge.url}#m`, "--judge-concurrency", String(at)]),
      });
    const completions = ranks.reduce((sum, count) => sum + count, 64) * (steps + 1) * judged.length;
    const cell = ({ seconds }: Burst): string =>
      `${(seconds[Math.floor(seconds.length / 2)] as number).toFixed(2)} (${(seconds.at(-1) as number).toFixed(2)})`;
    const row = (name: string, found: readonly Burst[]): string =>
      `| ${name} | ${found.map(cell).join(" | ")} |`;
    const nulls = [rules, ...judged.map(({ found }) => found)]
      .flat()
      .reduce((sum, burst) => sum + burst.nulls, 0);
    return {
      markdown: [
        `| seconds from the first request to the last answer, median (worst) of ${steps} steps | ${ranks.map((count) => `${count} GPUs`).join(" | ")} |`,
        `|---|${ranks.map(() => "---|").join("")}`,
        row("rules", rules),
        ...judged.map(({ at, found }) =>
          row(`a judge of ${judgeMs / 1000} s, ${at} requests to it at once`, found),
        ),
        "",
        `The judge was asked ${(asked / completions).toFixed(2)} times a completion. ${nulls === 0 ? "Every completion had all of its rewards." : `${nulls} completions lacked a reward.`}`,
      ].join("\n"),
    };
  } finally {
    await judge.close();
  }
}

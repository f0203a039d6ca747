/**
 * The reward server under load on loopback: 64 clients at once, 100,000 completions, rules and the lexical embedder.
 * Every result is compared with the one computed directly, by the same functions without a server, which is also what
 * the throughput is a ratio to. The server is a process of its own; the clients share the machine with it.
 *
 * Run: npm run bench -- rewards. VIDEO_R2_BENCH_COMPLETIONS (default 100,000) is the length of each run.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { Agent, request } from "node:http";
import { fileURLToPath } from "node:url";
import { Random } from "../src/base/index.ts";
import { LexicalEmbedder, RulesJudge } from "../src/judges/index.ts";
import { formatInterval, type Option } from "../src/trace/index.ts";
import { CompletionRewarder, type RewardSettings } from "../src/training/index.ts";

const group = 8;
const mostClients = 64;
/** Completions that are sent before the clock runs, so that the program is compiled. */
const warmUp = 2000;
/** Completions of the peer, before and after each run: the machine may have other work at other times. */
const peerCount = 8000;
const settings: RewardSettings = {
  weights: { accuracy: 1, format: 1, temporal: 1 },
  gate: true,
  deltaSeconds: 2,
  mode: "precision",
};
const things = ["red circle", "blue square", "green star", "small dog", "man with a hat"];
const deeds = ["appears on the left", "moves to the right", "jumps over the fence", "leaves the picture"];
const letters = "ABCDE";
const options: Option[] = things.map((text, i) => ({ letter: letters[i] as string, text }));

/** A completion as it is sent. */
export interface Item {
  id: string;
  completion: string;
  question: string;
  row: {
    options: Option[];
    solution: string;
    temporal_grounding: Record<string, string>;
    duration: number;
  };
}

/** What a result must be. */
interface Expected {
  accuracy: number | null;
  format: number | null;
  tar: number | null;
  total: number | null;
}

/** Completions of one question, of the length of real ones: seven claims, about 1,200 characters. */
export function makeGroup(index: number): Item[] {
  const random = new Random(`rewards ${index}`);
  const events = Array.from({ length: 7 }, (_, i) => {
    const start = 3 + i * 6 + random.integer(0, 3);
    return {
      key: formatInterval(start, start + 2 * random.integer(0, 2)),
      text: `the ${random.pick(things)} ${random.pick(deeds)}`,
    };
  });
  const row = {
    options,
    solution: random.pick([...letters]),
    temporal_grounding: Object.fromEntries(events.map(({ key, text }) => [key, text])),
    duration: 50,
  };
  return Array.from({ length: group }, (_, i) => {
    const prose = events.map(({ key, text }) => {
      const said = random.uniform() < 0.8 ? text : "nothing of note is seen";
      return `At ${key.replace("-", " to ")} ${said}, which the question does not name but which helps to keep the order of what is seen in this part of the video.`;
    });
    const letter = random.pick([...letters]);
    const answer = random.uniform() < 0.9 ? letter : random.pick([...letters]);
    const end = random.uniform() < 0.95 ? "</answer>" : "";
    return {
      id: `${index}-${i}`,
      completion: `<think>${prose.join(" ")} So the answer is ${letter}.</think>\n<answer>${answer}${end}`,
      question: "Which of these comes last?",
      row,
    };
  });
}

/** Rewards everything without a server. */
async function computeDirectly(count: number): Promise<{ expected: Map<string, Expected>; seconds: number }> {
  const rewarder = new CompletionRewarder(new RulesJudge(), new LexicalEmbedder(), settings);
  const expected = new Map<string, Expected>();
  let seconds = 0;
  for (let g = 0; g * group < count; g++) {
    const items = makeGroup(g);
    const begun = performance.now();
    for (const { id, completion, question, row } of items) {
      const found = await rewarder.reward(
        {
          ...{ id, question, options, answer: row.solution, answerType: "choice", durationSeconds: 50 },
          ...{ temporal_grounding: row.temporal_grounding, video: "v.mp4", category: "c", momentary: false },
          ...{ reasoning: "r", split: "train", seed: 0 },
        },
        completion,
        false,
      );
      const tar = found.consistent ? found.temporal : 0;
      expected.set(id, { accuracy: found.accuracy, format: found.format, tar, total: found.total });
    }
    seconds += (performance.now() - begun) / 1000;
  }
  return { expected, seconds };
}

export async function startServer(...more: string[]): Promise<{ child: ChildProcess; url: URL }> {
  const main = fileURLToPath(new URL("../src/cli/main.ts", import.meta.url));
  const flags = ["serve", "rewards", "--port", "0", "--json", "--log-level", "error", ...more];
  const child = spawn(process.execPath, ["--import", "tsx", main, ...flags], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout.once("data", (text) => resolve(String(text)));
    child.once("exit", (code) => reject(new Error(`the server ended with ${code}`)));
  });
  return { child, url: new URL((JSON.parse(line) as { url: string }).url) };
}

const agent = new Agent({ keepAlive: true });

/** Sends a request on a kept connection; the answer's status and text. */
export function send(url: URL, body: string | null): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(
      url,
      {
        agent,
        method: body === null ? "GET" : "POST",
        headers:
          body === null
            ? {}
            : { "content-type": "application/json", "content-length": Buffer.byteLength(body) },
      },
      (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (piece: string) => {
          text += piece;
        });
        response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
      },
    );
    sent.on("error", reject);
    sent.end(body ?? undefined);
  });
}

/** Memory of the server in MiB. */
async function memory(url: URL): Promise<number> {
  const { text } = await send(new URL("/metrics", url), null);
  return Number(/^process_resident_memory_bytes (\S+)$/m.exec(text)?.[1]) / 2 ** 20;
}

/** How completions are sent. */
interface Load {
  clients: number;
  perRequest: number;
  count: number;
  /** The first question. Default 0. */
  from?: number;
}

/** What a run gave. */
interface LoadRun extends Load {
  seconds: number;
  /** Completions a second without a server, before and after the run. */
  alone: number;
  /** Milliseconds of each request, ascending. */
  latencies: Float64Array;
  /** MiB after each tenth. */
  memory: number[];
  /** Requests that were refused with 429 and sent again. */
  refused: number;
}

/** Throws where a result is not the one computed directly. */
function check(sent: readonly Item[], text: string, expected: ReadonlyMap<string, Expected>): void {
  const { results } = JSON.parse(text) as {
    results: { id: string; rewards: Omit<Expected, "total">; total: number | null }[];
  };
  if (results.length !== sent.length) throw new Error(`${sent.length} items, ${results.length} results`);
  results.forEach(({ id, rewards, total }, i) => {
    const wanted = expected.get(id);
    const same =
      id === sent[i]?.id &&
      wanted !== undefined &&
      rewards.accuracy === wanted.accuracy &&
      rewards.format === wanted.format &&
      rewards.tar === wanted.tar &&
      total === wanted.total;
    if (!same)
      throw new Error(
        `item ${sent[i]?.id}: got ${JSON.stringify({ id, rewards, total })}, expected ${JSON.stringify(wanted)}`,
      );
  });
}

/** The completions of all groups in pieces, made as they are needed: the clients' memory is flat, too. */
function* requestsOf({ count, perRequest, from = 0 }: Load): Generator<Item[]> {
  let items: Item[] = [];
  for (let g = 0; g * group < count; g++) {
    items.push(...makeGroup(from + g));
    while (items.length >= perRequest) {
      yield items.slice(0, perRequest);
      items = items.slice(perRequest);
    }
  }
  if (items.length > 0) yield items;
}

async function run(
  url: URL,
  expected: ReadonlyMap<string, Expected>,
  load: Load,
): Promise<Omit<LoadRun, "alone">> {
  const requests = requestsOf(load);
  const latencies: number[] = [];
  const tenths: number[] = [];
  const seen = new Set<string>();
  let refused = 0;
  let looked = 0;
  const begun = performance.now();
  const client = async (): Promise<void> => {
    for (const items of requests) {
      const body = JSON.stringify({ items });
      const sent = performance.now();
      let answer = await send(url, body);
      while (answer.status === 429) {
        refused++;
        await new Promise((resolve) => setTimeout(resolve, 100));
        answer = await send(url, body);
      }
      latencies.push(performance.now() - sent);
      if (answer.status !== 200) throw new Error(`status ${answer.status}: ${answer.text}`);
      check(items, answer.text, expected);
      for (const { id } of items) seen.add(id);
      if (seen.size < (load.count * (looked + 1)) / 10) continue;
      looked++;
      tenths.push(await memory(url));
    }
  };
  await Promise.all(Array.from({ length: load.clients }, client));
  const seconds = (performance.now() - begun) / 1000;
  if (seen.size !== load.count) throw new Error(`${load.count} completions, ${seen.size} results`);
  return { ...load, seconds, latencies: Float64Array.from(latencies).sort(), memory: tenths, refused };
}

const quantile = (sorted: Float64Array, share: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] as number;

const whole = (n: number) => Math.round(n).toLocaleString("en");
const counted = (n: number, what: string) => `${whole(n)} ${what}${n === 1 ? "" : "s"}`;

/** Runs the bench. @returns a table in Markdown */
export async function benchRewards(): Promise<{ markdown: string; perSecond: number }> {
  const count = group * Math.ceil(Number(process.env.VIDEO_R2_BENCH_COMPLETIONS ?? 100_000) / group);
  const { expected } = await computeDirectly(count + warmUp);
  const aloneSeconds = async () => (await computeDirectly(Math.min(count, peerCount))).seconds;
  const loads: Load[] = [
    { clients: mostClients, perRequest: group, count },
    { clients: mostClients, perRequest: 1, count },
    { clients: 1, perRequest: group, count: Math.min(count, 8000) },
  ];
  const runs: LoadRun[] = [];
  for (const load of loads) {
    const before = await aloneSeconds();
    const { child, url } = await startServer();
    try {
      await run(url, expected, { ...load, count: warmUp, from: count / group });
      const found = await run(url, expected, load);
      const alone = (2 * Math.min(count, peerCount)) / (before + (await aloneSeconds()));
      runs.push({ ...found, alone });
    } finally {
      child.kill("SIGTERM");
      await new Promise((resolve) => child.once("exit", resolve));
    }
  }
  const rows = runs.map(({ clients, perRequest, count: sent, seconds, alone, latencies }) =>
    [
      `${counted(clients, "client")}, ${counted(perRequest, "completion")} a request`,
      whole(sent / seconds),
      whole(alone),
      (sent / seconds / alone).toFixed(2),
      quantile(latencies, 0.5).toFixed(0),
      quantile(latencies, 0.99).toFixed(0),
    ].join(" | "),
  );
  const [first, second] = runs as [LoadRun, LoadRun];
  const memories = [first, second].map(
    ({ perRequest, memory: tenths }) =>
      `${tenths.map((mib) => mib.toFixed(0)).join(", ")} with ${counted(perRequest, "completion")} a request`,
  );
  return {
    perSecond: count / first.seconds,
    markdown: [
      `| ${whole(count)} completions, rules, lexical embedder | completions a second | without a server | ratio | p50 ms | p99 ms |`,
      "|---|---|---|---|---|---|",
      ...rows.map((row) => `| ${row} |`),
      "",
      `Every result is the one computed directly; none was lost or swapped; ${whole(runs.reduce((sum, { refused }) => sum + refused, 0))} requests were refused. Memory of the server after each tenth of ${whole(count)} completions, in MiB: ${memories.join("; ")}. With ${mostClients} clients that always wait for an answer, latency is their number divided by the throughput; with one it is what a request takes.`,
    ].join("\n"),
  };
}

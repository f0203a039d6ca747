import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { type DataRow, planVideo } from "../../data/index.ts";
import { LexicalEmbedder, openJudge, RulesJudge } from "../../judges/index.ts";
import {
  type Script,
  type ScriptedServer,
  startServer as startJudge,
} from "../../judges/testing/scripted-server.ts";
import { answerTarget } from "../../models/index.ts";
import { CompletionRewarder } from "../../training/index.ts";
import type { RewardAppOptions } from "./create-reward-app.ts";
import {
  agree,
  errorOf,
  goodItem,
  makeRewardApp,
  paperSettings,
  post,
  rewardsOf,
  says,
  taskOf,
} from "./testing/ask-rewards.ts";

let judgeServer: ScriptedServer | null = null;
afterEach(async () => {
  await judgeServer?.close();
  judgeServer = null;
});

/** A server whose judge is a model behind HTTP that does as the script says. */
async function judgedBy(script: Script, more: Partial<RewardAppOptions> = {}) {
  judgeServer = await startJudge(script);
  const judge = await openJudge(`${judgeServer.url}#m`, {
    retries: 1,
    retrySeconds: 0.001,
    timeoutSeconds: 5,
    compat: more.settings?.compat,
  });
  return makeRewardApp({ judge, ...more });
}

/** Completions of a data set's rows: as they should be, and wrong in the ways that models are. */
function completionsOf(rows: readonly DataRow[]) {
  return rows.flatMap((row, i) => {
    const right = answerTarget(row.reasoning, row.answer);
    const variants = [
      right,
      answerTarget(row.reasoning, "Z"),
      answerTarget("Nothing is to be seen.", row.answer),
      right.slice(0, (right.length * (1 + (i % 7))) / 8),
      right.replaceAll(/\d\d:\d\d/g, "00:59"),
      `${right}\n`,
    ];
    return variants.map((completion, j) => ({ row, completion, id: `${row.id}/${j}`, truncated: j === 3 }));
  });
}

describe("rewards", () => {
  it("are those of training, for rows of our data sets, in their order", async () => {
    const rows = Array.from(
      { length: 12 },
      (_, i) => planVideo({ seed: 3, split: "train" }, i).rows as DataRow[],
    ).flat();
    const sent = completionsOf(rows);
    expect(new Set(rows.map(({ answerType }) => answerType)).size).toBe(4);
    const rewarder = new CompletionRewarder(new RulesJudge(), new LexicalEmbedder(), paperSettings);
    const expected = await Promise.all(
      sent.map(({ row, completion, truncated }) => rewarder.reward(row, completion, truncated)),
    );
    const results = await rewardsOf(
      makeRewardApp(),
      sent.map(({ row, completion, id, truncated }) => ({
        id,
        completion,
        row: { ...row, ...(truncated ? { finish_reason: "length" } : {}) },
      })),
    );
    expect(results.map(({ id }) => id)).toEqual(sent.map(({ id }) => id));
    expect(results.map(({ rewards, total }) => ({ ...rewards, total }))).toEqual(
      expected.map(({ accuracy, format, temporal, consistent, total }) => ({
        ...{ accuracy, format, total },
        tar: consistent ? temporal : 0,
      })),
    );
    expect(new Set(results.map(({ total }) => total)).size).toBeGreaterThanOrEqual(5);
  });

  it("are told for ms-swift's columns and for the reference's rows", async () => {
    const grounding = { "00:03": "A blue star appears.", "00:09": null };
    const question = "<video>What colour is the star at 00:03?\nA. red\nB. blue";
    const swift = {
      solution: "<think>It is blue.</think><answer>B</answer>",
      temporal_grounding: JSON.stringify(grounding),
      finish_reason: "stop",
      prompt_id: "p",
    };
    const released = {
      video: "a.mp4",
      key_frame: "",
      conversations: [
        { from: "human", value: question },
        { from: "gpt", value: "<think>It is blue.</think><answer>B</answer>" },
      ],
      temporal_grounding: grounding,
    };
    const assistant = { assistant: { role: "assistant", content: "<answer>B</answer>" } };
    const completion = says("blue", "B");
    const results = await rewardsOf(makeRewardApp(), [
      { id: "swift", prompt_id: "p", completion, question, row: swift },
      { id: "released", completion, question, row: released },
      { id: "assistant", completion, question, row: { ...assistant, temporal_grounding: grounding } },
    ]);
    for (const { rewards } of results) expect(rewards).toEqual({ accuracy: 1, format: 1, tar: 1 });
  });

  it("are explained where that is asked for", async () => {
    const [good, plain] = await rewardsOf(makeRewardApp(), [goodItem("a"), goodItem("b")], { explain: true });
    expect(good?.explanation).toEqual({
      total: "1 x accuracy 1 + 1 x format 1 + 1 x temporal 1",
      accuracy: 'the answer "B", the gold answer "B"',
      format: "well-formed",
      consistency: "the reasoning concludes B, and so does the answer",
      tar: "1 of the completion's claims",
      claims: [expect.stringContaining("matches")],
    });
    expect(plain?.explanation).toEqual(good?.explanation);
    const [gated] = await rewardsOf(makeRewardApp(), [{ ...goodItem("c"), completion: says("red", "B") }], {
      explain: true,
    });
    expect(gated).toMatchObject({ rewards: { tar: 0 }, total: 2 });
    expect(gated?.explanation?.tar).toBe("1 of the completion's claims, times 0");
    expect((await rewardsOf(makeRewardApp(), [goodItem("a")]))[0]).not.toHaveProperty("explanation");
  });

  it("are null with a reason where the row lacks what they take, and then do not count", async () => {
    const { row, ...item } = goodItem("a");
    const { solution: _, ...withoutGold } = row;
    const { temporal_grounding: __, ...withoutTimes } = row;
    const [noGold, noTimes, emptyTimes, unreadTimes] = await rewardsOf(makeRewardApp(), [
      { ...item, row: withoutGold },
      { ...item, id: "b", row: withoutTimes },
      { ...item, id: "c", row: { ...row, temporal_grounding: {} } },
      { ...item, id: "d", row: { ...row, temporal_grounding: { later: "A blue star appears." } } },
    ]);
    expect(noGold).toMatchObject({
      rewards: { accuracy: null, format: 1, tar: 1 },
      total: null,
      reasons: { accuracy: "row: no gold answer is known", total: "row: no gold answer is known" },
    });
    for (const result of [noTimes, emptyTimes, unreadTimes])
      expect(result).toMatchObject({
        rewards: { accuracy: 1, format: 1, tar: null },
        total: 2,
        reasons: { tar: "row: there is no temporal_grounding that names a time" },
      });
  });

  it("are weighed, with or without the gate, as the settings say", async () => {
    const inconsistent = { ...goodItem("a"), completion: says("red", "B") };
    const totalWith = async (changes: Partial<typeof paperSettings>) =>
      (await rewardsOf(makeRewardApp({ settings: { ...paperSettings, ...changes } }), [inconsistent]))[0];
    expect(await totalWith({})).toMatchObject({ rewards: { tar: 0 }, total: 2 });
    expect(await totalWith({ gate: false })).toMatchObject({ rewards: { tar: 1 }, total: 3 });
    expect(await totalWith({ gate: false, weights: { accuracy: 2, format: 0, temporal: 5 } })).toMatchObject({
      total: 7,
    });
  });

  it("are the released code's with compat reference", async () => {
    const app = makeRewardApp({ settings: { ...paperSettings, compat: "reference" } });
    const at = (seconds: string) => says("3", "3", `At 00:0${seconds} a blue star appears.`);
    const number = { options: [], solution: "<answer>3.0</answer>", answer_type: "number" };
    const grounding = { temporal_grounding: { "00:03": "A blue star appears." } };
    const items = [
      // 3.0 is not 3, and a gap of 4 s is small enough.
      { id: "a", completion: at("7"), row: { ...number, ...grounding } },
      { id: "b", completion: at("8"), row: { ...number, ...grounding, solution: "3" } },
      // A line end after the answer is no form; no grounding is no reward.
      { id: "c", completion: `${at("3")}\n`, row: { ...number, solution: "3" } },
    ];
    const [far, further, loose] = await rewardsOf(app, items);
    expect(far?.rewards).toEqual({ accuracy: 0, format: 1, tar: 1 });
    expect(further?.rewards).toEqual({ accuracy: 1, format: 1, tar: 0 });
    expect(loose?.rewards).toEqual({ accuracy: 1, format: 0, tar: 0 });
    const [paper] = await rewardsOf(makeRewardApp(), items);
    expect(paper?.rewards).toEqual({ accuracy: 1, format: 1, tar: 0 });
  });

  it("with compat reference, take the claims as the released code reads a judge's reply", async () => {
    const replies = ['{"00:07": "a blue star appears"}', '{"00:07": ["a blue star appears"]}', "no JSON"];
    let reply = "";
    const app = await judgedBy(
      (seen, response) => {
        const content = taskOf(seen) === "claims" ? reply : "TRUE\nThey agree.";
        response.writeHead(200, { "content-type": "application/json" });
        response.end(JSON.stringify({ choices: [{ message: { content }, finish_reason: "stop" }] }));
      },
      { settings: { ...paperSettings, compat: "reference" } },
    );
    const tars: unknown[] = [];
    for (const [i, text] of replies.entries()) {
      reply = text;
      tars.push((await rewardsOf(app, [goodItem(i)]))[0]?.rewards.tar);
    }
    expect(tars).toEqual([1, 0, 0]);
  });

  it("of a completion without reasoning are 0, not the judge's failure", async () => {
    const app = await judgedBy(agree);
    const [result] = await rewardsOf(app, [{ ...goodItem("a"), completion: "<answer>B</answer>" }]);
    expect(result).toEqual({ id: "a", rewards: { accuracy: 1, format: 0, tar: 0 }, total: 1 });
    expect(judgeServer?.seen).toHaveLength(0);
  });
});

describe("refuses", () => {
  const row = goodItem("a").row;
  const items = (item: object) => ({ items: [goodItem("first"), { ...goodItem("a"), ...item }] });
  it.each([
    ["no JSON", "{", 400, "invalid_json", null],
    ["a list", [], 422, "invalid_request", null],
    ["null", "null", 422, "invalid_request", null],
    ["no items", {}, 422, "invalid_request", "items"],
    ["an item that is no object", { items: [1] }, 422, "invalid_request", "items[0]"],
    ["no id", items({ id: undefined }), 422, "invalid_request", "items[1].id"],
    ["an id twice", items({ id: "first" }), 422, "invalid_request", "items[1].id"],
    ["a completion of messages", items({ completion: [{}] }), 422, "invalid_request", "items[1].completion"],
    [
      "a long completion",
      items({ completion: "x".repeat(40_000) }),
      422,
      "completion_too_long",
      "items[1].completion",
    ],
    ["no row", items({ row: undefined }), 422, "invalid_request", "items[1].row"],
    ["options of numbers", items({ row: { options: 4 } }), 422, "invalid_request", "items[1].row.options"],
    [
      "27 options",
      items({ row: { options: JSON.stringify(Array(27).fill("x")) } }),
      422,
      "invalid_request",
      "items[1].row.options",
    ],
    [
      "a solution of objects",
      items({ row: { solution: {} } }),
      422,
      "invalid_request",
      "items[1].row.solution",
    ],
    [
      "a grounding that is no JSON",
      items({ row: { ...row, temporal_grounding: "at 3 s" } }),
      422,
      "invalid_request",
      "items[1].row.temporal_grounding",
    ],
    [
      "a grounding of numbers",
      items({ row: { ...row, temporal_grounding: { "00:01": 1 } } }),
      422,
      "invalid_request",
      "items[1].row.temporal_grounding",
    ],
    [
      "a grounding of lists",
      items({ row: { ...row, temporal_grounding: [["00:01", "x"]] } }),
      422,
      "invalid_request",
      "items[1].row.temporal_grounding",
    ],
    [
      "a duration of -1",
      items({ row: { ...row, duration: -1 } }),
      422,
      "invalid_request",
      "items[1].row.duration",
    ],
    ["a deadline of 0", { deadline_seconds: 0, items: [] }, 422, "invalid_request", "deadline_seconds"],
  ])("%s", async (_what, body, status, code, param) => {
    const error = await errorOf(await post(makeRewardApp(), body));
    expect(error).toMatchObject({ status, code, param });
    if (param !== null) expect(error.message.startsWith(`${param}: `)).toBe(true);
  });

  it("other types, paths and methods, bodies that are too large", async () => {
    const app = makeRewardApp({ maxBodyBytes: 100 });
    const get = (path: string) => app.fetch(new Request(`http://127.0.0.1${path}`));
    expect((await post(app, {}, "/v1/rewards", { "content-type": "text/plain" })).status).toBe(415);
    expect(await errorOf(await post(app, { items: [goodItem("a")] }))).toMatchObject({
      status: 413,
      code: "body_too_large",
    });
    expect((await get("/v1/rewards")).status).toBe(404);
    expect((await get("/etc/passwd")).status).toBe(404);
  });

  it("who has no key, and pages that reach for a local server", async () => {
    const app = makeRewardApp({ apiKey: "se:cret", hosts: ["127.0.0.1"] });
    const status = async (headers: Record<string, string>) =>
      (await post(app, { items: [] }, "/v1/rewards", headers)).status;
    expect(await status({})).toBe(401);
    expect(await status({ authorization: "Bearer wrong" })).toBe(401);
    expect(await status({ authorization: "Bearer se:cret" })).toBe(200);
    expect(await status({ authorization: `Basic ${btoa("any:se:cret")}` })).toBe(200);
    expect(await status({ authorization: `Basic ${btoa("se:cret")}` })).toBe(401);
    expect(await status({ authorization: "Bearer se:cret", host: "evil.example" })).toBe(403);
    const get = (path: string) =>
      app.fetch(new Request(`http://127.0.0.1${path}`, { headers: { host: "127.0.0.1" } }));
    expect((await get("/metrics")).status).toBe(401);
    expect((await get("/healthz")).status).toBe(200);
  });
});

describe("the queue", () => {
  it("answers 429 with Retry-After where its places are taken, 413 where a request never fits", async () => {
    const held: (() => void)[] = [];
    const app = await judgedBy((seen, response) => held.push(() => agree(seen, response)), { queueLimit: 4 });
    const first = rewardsOf(
      app,
      [1, 2, 3].map((id) => goodItem(id)),
    );
    await expect.poll(() => held.length).toBeGreaterThan(0);
    const refused = await post(app, { items: [goodItem(4), goodItem(5)] });
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
    expect(await errorOf(refused)).toMatchObject({
      status: 429,
      code: "queue_full",
      message: "the queue has 4 places, 3 of them taken, and the request needs 2; try again later",
    });
    const large = await post(app, { items: [1, 2, 3, 4, 5].map((id) => goodItem(id)) });
    expect(await errorOf(large)).toMatchObject({ status: 413, code: "too_many_items" });
    // What is in the queue already takes no place.
    const again = rewardsOf(
      app,
      [1, 2, 3, 4].map((id) => goodItem(id)),
    );
    const free = setInterval(() => held.splice(0).forEach((answer) => void answer()), 5);
    expect((await first).map(({ total }) => total)).toEqual([3, 3, 3]);
    expect((await again).map(({ id, total }) => [id, total])).toEqual([1, 2, 3, 4].map((id) => [id, 3]));
    clearInterval(free);
  });

  it("joins what is in progress, remembers what is done, and computes other content anew", async () => {
    const app = await judgedBy(agree);
    const seen = () => judgeServer?.seen.length;
    const both = await Promise.all([rewardsOf(app, [goodItem("a")]), rewardsOf(app, [goodItem("a")])]);
    expect(both[0]).toEqual(both[1]);
    expect(seen()).toBe(2);
    expect(await rewardsOf(app, [goodItem("a")])).toEqual(both[0]);
    expect(seen()).toBe(2);
    // The judge's own questions are about other words now; the id is the same.
    const other = { ...goodItem("a"), completion: says("red", "A") };
    expect((await rewardsOf(app, [other]))[0]?.rewards.accuracy).toBe(0);
    expect(seen()).toBe(4);
    expect((await rewardsOf(app, [goodItem("b")]))[0]?.total).toBe(3);
    const metrics = await (await app.fetch(new Request("http://127.0.0.1/metrics"))).text();
    expect(metrics).toContain("video_r2_items_remembered_total 2\n");
  });

  it("forgets what was asked for longest ago", async () => {
    const app = await judgedBy(agree, { remembered: 2 });
    for (const id of ["a", "b", "c", "c", "b"]) await rewardsOf(app, [goodItem(id)]);
    expect(judgeServer?.seen).toHaveLength(6);
    await rewardsOf(app, [goodItem("a")]);
    expect(judgeServer?.seen).toHaveLength(8);
  });

  it("asks again what a judge failed at", async () => {
    let broken = true;
    const app = await judgedBy((seen, response) => {
      if (broken) response.writeHead(400).end();
      else agree(seen, response);
    });
    const [failed] = await rewardsOf(app, [goodItem("a")]);
    expect(failed).toMatchObject({ rewards: { accuracy: 1, format: 1, tar: null }, total: null });
    expect(failed?.reasons?.tar).toMatch(/^judge: http/);
    broken = false;
    expect((await rewardsOf(app, [goodItem("a")]))[0]?.total).toBe(3);
  });

  it("at the deadline answers with what is known, and with the rest when it is asked again", async () => {
    const held: (() => void)[] = [];
    const app = await judgedBy((seen, response) =>
      taskOf(seen) === "claims" ? held.push(() => agree(seen, response)) : agree(seen, response),
    );
    const begun = performance.now();
    const late = await rewardsOf(app, [goodItem("a"), goodItem("b")], {
      deadline_seconds: 0.3,
      explain: true,
    });
    expect(performance.now() - begun).toBeLessThan(3000);
    for (const result of late)
      expect(result).toMatchObject({
        rewards: { accuracy: 1, format: 1, tar: null },
        total: null,
        reasons: { tar: "deadline", total: "deadline" },
        explanation: { tar: "deadline", accuracy: 'the answer "B", the gold answer "B"' },
      });
    const again = rewardsOf(app, [goodItem("a"), goodItem("b")], { explain: true });
    await expect.poll(() => held.length).toBe(1);
    for (const answer of held) answer();
    expect((await again).map(({ total }) => total)).toEqual([3, 3]);
    // Equal questions were asked once, in all.
    expect(judgeServer?.seen).toHaveLength(2);
  });

  it("does not begin with what nobody waits for", async () => {
    const held: (() => void)[] = [];
    const app = await judgedBy((seen, response) => held.push(() => agree(seen, response)), { inFlight: 1 });
    const distinct = (id: number) => ({
      ...goodItem(id),
      completion: says("blue", "B", `At 00:0${id} a blue star appears.`),
    });
    const first = rewardsOf(app, [distinct(1)], { deadline_seconds: 20 });
    await expect.poll(() => held.length).toBe(2);
    const [never] = await rewardsOf(app, [distinct(2)], { deadline_seconds: 0.2 });
    expect(never).toMatchObject({
      rewards: { accuracy: null, format: null, tar: null },
      reasons: { accuracy: "deadline", format: "deadline", tar: "deadline", total: "deadline" },
    });
    for (const answer of held.splice(0)) answer();
    await first;
    await sleep(100);
    expect(held).toHaveLength(0);
  });

  it("leaves time for others while a large request is served", async () => {
    const app = makeRewardApp();
    const large = rewardsOf(
      app,
      Array.from({ length: 2000 }, (_, i) => goodItem(i)),
    );
    let answered = false;
    large.then(() => {
      answered = true;
    });
    let waits = 0;
    while (!answered && waits < 5) {
      const health = await app.fetch(new Request("http://127.0.0.1/healthz"));
      expect(health.status).toBe(200);
      await sleep(1);
      waits++;
    }
    expect(waits).toBe(5);
    expect((await large).every(({ total }) => total === 3)).toBe(true);
  });
});

it("stops: refuses what is new, answers what it has with what is known", async () => {
  const app = await judgedBy(() => {});
  const waiting = rewardsOf(app, [goodItem("a")]);
  await expect.poll(() => app.active).toBe(1);
  app.refuse();
  const refused = await post(app, { items: [] });
  expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "5"]);
  expect((await app.fetch(new Request("http://127.0.0.1/healthz"))).status).toBe(503);
  app.abandon();
  expect((await waiting)[0]).toMatchObject({
    rewards: { accuracy: 1, format: 1, tar: null },
    reasons: { tar: "stopping" },
  });
  expect(app.active).toBe(0);
});

it("tells whether it is ready, and asks its judge not more often than it must", async () => {
  let probes = 0;
  const app = makeRewardApp({
    probeJudge: async () => {
      probes++;
      throw new Error("nobody there");
    },
  });
  for (let i = 0; i < 3; i++) {
    const health = await app.fetch(new Request("http://127.0.0.1/healthz"));
    expect(health.status).toBe(503);
    expect(await health.json()).toMatchObject({
      ready: false,
      judge: { name: "rules", reachable: false, reason: "nobody there" },
      queue: { waiting: 0, running: 0, limit: 4096 },
    });
  }
  expect(probes).toBe(1);
});

it("counts what it does, and logs a line for each request for rewards", async () => {
  const lines: Record<string, unknown>[] = [];
  const app = makeRewardApp({ log: (level, event, fields) => lines.push({ level, event, ...fields }) });
  const { temporal_grounding: _, ...row } = goodItem("a").row;
  const response = await post(
    app,
    { step: 7, items: [goodItem("a"), { ...goodItem("b"), row }] },
    "/v1/rewards",
    { "x-request-id": "rank-3" },
  );
  expect(response.headers.get("x-request-id")).toBe("rank-3");
  await post(app, "{", "/v1/rewards", { "x-request-id": "no id\t" });
  expect(lines).toMatchObject([
    { level: "info", request: "rank-3", status: 200, items: 2, step: 7, nulls: 1, remembered: 0 },
    { level: "info", status: 400, code: "invalid_json", message: expect.stringContaining("JSON") },
  ]);
  expect(lines[1]?.request).toMatch(/^[0-9a-f-]{36}$/);
  const metrics = await (await app.fetch(new Request("http://127.0.0.1/metrics"))).text();
  for (const line of [
    'video_r2_requests_total{path="/v1/rewards",code="200"} 1',
    'video_r2_requests_total{path="/v1/rewards",code="400"} 1',
    "video_r2_items_total 2",
    'video_r2_nulls_total{reward="tar",reason="row"} 1',
    'video_r2_reward_sum_total{reward="accuracy"} 2',
    'video_r2_rewards_total{reward="tar"} 1',
    "video_r2_embed_batch_items_count 1",
    'video_r2_queue_items{state="waiting"} 0',
    'video_r2_judge_total{what="failed"} 0',
  ])
    expect(metrics.split("\n")).toContain(line);
});

it("answers and logs where it has a fault itself, and does not tell the client its insides", async () => {
  const lines: string[] = [];
  const embedder = new LexicalEmbedder();
  embedder.embed = async () => {
    throw new TypeError("secret place");
  };
  const app = makeRewardApp({ embedder, log: (...line) => lines.push(JSON.stringify(line)) });
  const [result] = await rewardsOf(app, [goodItem("a")]);
  expect(result).toMatchObject({ rewards: { accuracy: 1, tar: null }, reasons: { tar: "internal" } });
  expect(lines.join()).toContain("secret place");
});

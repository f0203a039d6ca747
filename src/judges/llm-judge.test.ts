import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { mapPool, type UsageError } from "../base/index.ts";
import { parseOptions, parseTrace } from "../trace/index.ts";
import type { Judge, Judged, JudgeInput } from "./judge.ts";
import { type JudgeOptions, openJudge } from "./open-judge.ts";
import { json, type Script, type ScriptedServer, say, startServer } from "./testing/scripted-server.ts";

let server: ScriptedServer | null = null;
let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "judge-"));
});
afterEach(async () => {
  await server?.close();
  server = null;
  await rm(folder, { recursive: true, force: true });
});

const options = parseOptions(["red circle", "blue square", "green star"]);
const input = (think: string, answer = "A", more: Partial<JudgeInput> = {}): JudgeInput => ({
  id: think,
  question: "Which shape comes first?",
  options,
  type: "choice",
  trace: parseTrace(`<think>${think}</think><answer>${answer}</answer>`),
  ...more,
});

async function judgeWith(script: Script, more: JudgeOptions = {}): Promise<Judge> {
  server = await startServer(script);
  return openJudge(`${server.url}#m`, { retrySeconds: 0.001, retries: 2, timeoutSeconds: 20, ...more });
}

const reasonOf = (judged: Judged<unknown>) => ("reason" in judged ? judged.reason : `judged ${judged.value}`);

const refusal = {
  choices: [{ message: { content: null, refusal: "I cannot help with that." }, finish_reason: "stop" }],
};

describe("what a model is asked and says", () => {
  it("asks for what the reasoning concludes, with the schema of the reply", async () => {
    const judge = await judgeWith((_, r) => say(r, '{"words": "It was blue.", "conclusion": "B"}'));
    const judged = await judge.concluded(input("It was blue."));
    expect(judged).toEqual({
      value: "B",
      detail: "It was blue.",
      raw: '{"words": "It was blue.", "conclusion": "B"}',
    });
    const [seen] = server?.seen ?? [];
    expect(seen).toMatchObject({ model: "m", temperature: 0, response_format: { type: "json_schema" } });
    expect(seen?.messages[1]?.content).toContain("A. red circle\nB. blue square\nC. green star");
    expect(seen?.messages[1]?.content).toContain("It was blue.");
    expect(judge.usage()).toEqual({
      requests: 1,
      cached: 0,
      retried: 0,
      failed: 0,
      promptTokens: 10,
      completionTokens: 5,
    });
    expect(judge.name).toBe(`${server?.url}#m, prompts v1`);
  });

  it("does not ask where there is nothing to ask about", async () => {
    const judge = await judgeWith((_, r) => say(r, "{}"));
    expect(reasonOf(await judge.concluded(input("")))).toBe("there is no reasoning");
    expect(reasonOf(await judge.consistency(input("So A.", "")))).toBe("there is no answer");
    expect((await judge.attention(input(""))).value).toEqual({
      score: 0,
      rationale: "There is no reasoning.",
    });
    expect((await judge.answered(input("x", "(B) blue square"))).value).toBe("B");
    expect((await judge.equal({ question: "", gold: "Three dogs", answer: "3 dogs." })).value).toBe(true);
    expect(server?.seen).toHaveLength(0);
  });

  it("finds claims, attention, consistency and equality", async () => {
    const replies = [
      '```json\n{"claims": [{"start": "0:42", "end": 45, "text": "a car stops"}, {"start": 3, "end": 3, "text": "a dog barks"}, {"start": null, "text": "nothing"}]}\n```',
      "Here it is: {'score': 7, 'rationale': 'It names a sign it\\'s reading.',}",
      '{"words": "So B.", "verdict": "inconsistent"}',
      '<think>Hm { "equal": false }</think>{"equal": true}',
    ];
    const judge = await judgeWith((_, r, n) => say(r, replies[n - 1] as string));
    expect((await judge.claims(input("x"))).value).toEqual([
      { startSeconds: 3, endSeconds: 3, text: "a dog barks" },
      { startSeconds: 42, endSeconds: 45, text: "a car stops" },
    ]);
    const attention = await judge.attention(input("x"));
    expect(attention.value).toEqual({ score: 7, rationale: "It names a sign it's reading." });
    expect(await judge.consistency(input("So B."))).toMatchObject({ value: false, words: "So B." });
    expect((await judge.equal({ question: "Who?", gold: "the man", answer: "a guy" })).value).toBe(true);
  });

  it("reads a number where rules cannot, and as the released post-processing does", async () => {
    const replies = ['{"value": 12}', '{"value": null}', '```json\n{"value": 2}\n```', "about two", "2"];
    const judge = await judgeWith((_, r, n) => say(r, replies[n - 1] as string));
    const ask = (answer: string) => judge.number({ question: "How many chairs?", answer });
    expect(await ask("four")).toEqual({ value: 4 });
    expect(server?.seen).toHaveLength(0);
    expect((await ask("two rows, 12 chairs in all")).value).toBe(12);
    expect(reasonOf(await ask("2 or 3"))).toBe("the judge finds no single number in the answer");
    expect(server?.seen[0]?.messages[1]?.content).toContain("12 chairs in all");
    const reference = await openJudge(`${server?.url}#m`, { compat: "reference", retries: 0 });
    expect((await reference.number({ question: "", answer: "2" })).value).toBe(2);
    // JSON or nothing, after one more try.
    expect((await reference.number({ question: "", answer: "2" })).value).toBeNull();
    expect(server?.seen).toHaveLength(5);
  });

  it("takes 'nothing' as a finding, which is kept", async () => {
    const judge = await judgeWith((_, r) => say(r, '{"words": null, "conclusion": null}'), {
      cacheDir: folder,
    });
    for (let i = 0; i < 2; i++)
      expect(reasonOf(await judge.concluded(input("x")))).toBe(
        "the judge finds no single conclusion in the reasoning",
      );
    expect(judge.usage()).toMatchObject({ requests: 1, cached: 1, failed: 0 });
  });
});

const asJson = { "content-type": "application/json" };
const misbehaviours: [string, Script, RegExp][] = [
  ["never answers", () => {}, /must answer in time/],
  [
    "stalls in the middle of a reply",
    (_, r) => void r.writeHead(200, asJson).write('{"choices": ['),
    /must answer in time/,
  ],
  ["cuts the connection", (_, r) => void r.destroy(), /the connection was cut/],
  [
    "cuts a reply",
    (_, r) => {
      r.writeHead(200, { ...asJson, "content-length": "900" }).write('{"choices": [');
      setTimeout(() => r.destroy(), 20);
    },
    /connection was cut|as the protocol says/,
  ],
  [
    "sends a web page",
    (_, r) => void r.writeHead(200, { "content-type": "text/html" }).end("<html>hello</html>"),
    /as the protocol says/,
  ],
  [
    "sends half of the JSON",
    (_, r) => void r.writeHead(200, asJson).end('{"choices": [{"mess'),
    /as the protocol says/,
  ],
  ["sends no choices", (_, r) => json(r, 200, { choices: [] }), /as the protocol says/],
  ["does not accept the key", (_, r) => json(r, 401, { error: { message: "no" } }), /must accept the key/],
  ["refuses", (_, r) => json(r, 200, refusal), /the judge refused: I cannot help/],
  [
    "filters",
    (_, r) => json(r, 200, { choices: [{ message: { content: "" }, finish_reason: "content_filter" }] }),
    /refused: its content filter/,
  ],
  ["says nothing", (_, r) => say(r, ""), /could not be read: it is empty/],
];

describe("servers that do not do what they should", () => {
  it("does without structured output after one refusal", async () => {
    const judge = await judgeWith((seen, r) =>
      seen.response_format ? json(r, 400, { error: { message: "response_format unknown" } }) : say(r, "B"),
    );
    expect((await judge.concluded(input("one"))).value).toBe("B");
    expect((await judge.concluded(input("two"))).value).toBe("B");
    expect(server?.seen.map((seen) => "response_format" in seen)).toEqual([true, false, false]);
  });

  it("keeps asking for structure where a refusal had another cause", async () => {
    const judge = await judgeWith((seen, r) =>
      JSON.stringify(seen).includes("long story")
        ? json(r, 400, { error: { message: "context" } })
        : say(r, "B"),
    );
    expect(reasonOf(await judge.concluded(input("long story")))).toMatch(
      /accept the request, got 400: context/,
    );
    expect((await judge.concluded(input("short"))).value).toBe("B");
    expect(server?.seen.at(-1)).toHaveProperty("response_format");
  });

  it("asks once more where the reply is garbage, and says so if that does not help", async () => {
    const judge = await judgeWith((seen, r) => {
      const asked = seen.messages[1]?.content ?? "";
      say(r, asked.includes("could not be read") && asked.includes("good") ? "C" : "I like videos a lot!");
    });
    expect((await judge.concluded(input("good"))).value).toBe("C");
    expect(await judge.concluded(input("bad"))).toEqual({
      value: null,
      reason: "the judge's reply could not be read: I like videos a lot!",
      raw: "I like videos a lot!",
    });
    expect(judge.usage()).toMatchObject({ requests: 4, retried: 2, failed: 1 });
  });

  it("gives a reply that was cut off more room", async () => {
    const judge = await judgeWith((seen, r) =>
      (seen.max_tokens ?? 0) > 1000
        ? say(r, '<think>long</think>{"conclusion": "B"}')
        : say(r, "<think>long", "length"),
    );
    expect((await judge.concluded(input("x"))).value).toBe("B");
  });

  it.each([429, 500, 503])("waits and tries again after %d", async (status) => {
    const judge = await judgeWith((_, r, n) =>
      n < 3 ? json(r, status, { error: { message: "busy" } }, { "retry-after": "0" }) : say(r, "B"),
    );
    expect((await judge.concluded(input("x"))).value).toBe("B");
    expect(judge.usage()).toMatchObject({ requests: 3, retried: 2, failed: 0 });
  });

  it.each(misbehaviours)("gives null and the reason where the server %s", async (_, script, reason) => {
    const isSilent = /must answer in time/.test(reason.source);
    const judge = await judgeWith(script, isSilent ? { retries: 0, timeoutSeconds: 1.5 } : { retries: 1 });
    const judged = await judge.concluded(input("x"));
    expect(judged.value).toBeNull();
    expect(reasonOf(judged)).toMatch(reason);
    expect(judge.usage().failed).toBe(1);
  });

  it("does not wait for a server that stays away", async () => {
    const judge = await judgeWith((_, r) => say(r, "B"), { retries: 3, concurrency: 2 });
    await server?.close();
    const reasons: string[] = [];
    for (let i = 0; i < 20; i++) reasons.push(reasonOf(await judge.concluded(input(`${i}`))));
    expect(reasons.every((reason) => /nothing listens there/.test(reason))).toBe(true);
    expect(judge.usage().requests).toBeLessThan(20 + 9 * 3 + 1);
  });

  it("stops when it is told to", async () => {
    const stop = new AbortController();
    const judge = await judgeWith(() => stop.abort(), { signal: stop.signal, timeoutSeconds: 60 });
    const all = await Promise.all(["a", "b", "c"].map((think) => judge.concluded(input(think))));
    expect(all.map(reasonOf)).toEqual(Array(3).fill("judging was stopped"));
    await judge.close();
  });

  it("opens only on a server that is there and has the model", async () => {
    server = await startServer((_, r) => say(r, "B"));
    const codeOf = (spec: string) =>
      openJudge(spec).then(
        () => null,
        (error: unknown) => (error as UsageError).code,
      );
    expect(await codeOf(`${server.url}#other`)).toBe("model-unknown");
    expect(await codeOf("lamp")).toBe("judge-invalid");
    const { url } = server;
    await server.close();
    expect(await codeOf(`${url}#m`)).toBe("server-unreachable");
  });
});

describe("a run that goes wrong half-way", () => {
  /** Every kind of failure, by the number in the sample; from 30 on, the server is dead. */
  const broken =
    (die: () => void): Script =>
    (seen, r) => {
      const sample = Number(/sample (\d+)/.exec(seen.messages[1]?.content ?? "")?.[1]);
      if (sample >= 30) {
        die();
        return void r.destroy();
      }
      if (sample % 6 === 1) return say(r, "lorem ipsum dolor sit amet");
      if (sample % 6 === 2) return; // Never answers.
      if (sample % 6 === 3) return json(r, 429, { error: { message: "slow down" } });
      if (sample % 6 === 4) return json(r, 200, refusal);
      say(r, '{"words": null, "conclusion": "B"}');
    };
  const samples = Array.from({ length: 40 }, (_, i) => input(`sample ${i}`));
  const run = async (judge: Judge) => {
    const results: Judged<string>[] = [];
    for await (const judged of mapPool(samples, 6, (sample) => judge.concluded(sample))) results.push(judged);
    await judge.close();
    return results;
  };

  it("accounts for every sample, and the second run pays only for what is missing", {
    timeout: 60_000,
  }, async () => {
    server = await startServer(broken(() => void server?.close()));
    const { url } = server;
    const port = Number(new URL(url).port);
    const settings = {
      cacheDir: folder,
      retries: 1,
      retrySeconds: 0.001,
      timeoutSeconds: 3,
      concurrency: 4,
    };

    const first = await run(await openJudge(`${url}#m`, settings));
    expect(first).toHaveLength(40);
    const judged = first.flatMap(({ value }, i) => (value === null ? [] : [i]));
    // Sample 30 is asked once 24 is settled; those between may be in flight when the server dies.
    const settled = (i: number) => i <= 24;
    const good = samples.flatMap((_, i) => (i < 30 && (i % 6 === 0 || i % 6 === 5) ? [i] : []));
    expect(judged.filter(settled)).toEqual(good.filter(settled));
    expect(good).toEqual(expect.arrayContaining(judged));
    const reasons = [/^$/, /could not be read: lorem/, /in time/, /slow down/, /refused: I cannot/, /^$/];
    for (const [i, result] of first.entries())
      if (result.value === null) expect(result.reason).toMatch(settled(i) ? (reasons[i % 6] as RegExp) : /./);
    expect(reasonOf(first[39] as Judged<string>)).toMatch(/cut|listens/);

    // A killed process leaves a half-written temporary file, a bad disk a broken one: neither is believed.
    const [part] = await readdir(folder);
    const [shard] = await readdir(join(folder, part as string));
    const [entry] = await readdir(join(folder, part as string, shard as string));
    await writeFile(join(folder, part as string, shard as string, entry as string), '{"reply": "{');
    await writeFile(join(folder, part as string, shard as string, "x.json.1.tmp"), "{");

    server = await startServer((_, r) => say(r, "B"), port);
    // On a busy machine even an answer at once may take longer than the first run waits.
    const judge = await openJudge(`${url}#m`, { ...settings, timeoutSeconds: 30 });
    const second = await run(judge);
    expect(second.every(({ value }) => value === "B")).toBe(true);
    expect(judge.usage()).toMatchObject({
      requests: 40 - judged.length + 1,
      cached: judged.length - 1,
      failed: 0,
      retried: 0,
    });

    await server.close();
    const warnings: string[] = [];
    const offline = await openJudge(`${url}#m`, { ...settings, warn: (message) => warnings.push(message) });
    expect((await run(offline)).every(({ value }) => value === "B")).toBe(true);
    expect(offline.usage()).toMatchObject({ requests: 0, cached: 40 });
    expect(warnings).toEqual([expect.stringMatching(/only kept replies are used/)]);
  });

  it("keeps raw replies, under keys of everything that matters", async () => {
    const judge = await judgeWith((_, r) => say(r, " B "), { cacheDir: folder });
    await Promise.all([
      judge.concluded(input("x")),
      judge.concluded(input("x")),
      judge.concluded(input("x", "B")),
    ]);
    expect(judge.usage()).toMatchObject({ requests: 1, cached: 2 });
    await judge.concluded(input("y"));
    await judge.concluded(input("x", "A", { question: "Which one is second?" }));
    await judge.consistency(input("x"));
    expect(judge.usage().requests).toBe(5);
    const files = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith(".json"));
    expect(files).toHaveLength(3);
    expect(JSON.parse(await readFile(join(folder, files[0] as string), "utf8"))).toEqual({
      reply: " B ",
      promptTokens: 10,
      completionTokens: 5,
    });
  });
});

describe("compat reference", () => {
  const reference = (script: Script) => judgeWith(script, { compat: "reference" });

  it("asks even about nothing, of the last block, and reads letters its way", async () => {
    const judge = await reference((_, r) => say(r, "The answer is I, D or (B) Q"));
    expect((await judge.concluded(input(""))).value).toBe("B");
    const twice = { ...input(""), trace: parseTrace("<THINK>one</THINK><think> two </think>") };
    await judge.concluded(twice);
    expect(server?.seen.at(-1)?.messages[1]?.content).toContain('"""\ntwo\n"""');
    expect(reasonOf(await judge.answered(input("x", "")))).toBe("judged B");
  });

  it("reads scores its way, with one more try", async () => {
    const replies = ['{"score": "7"}', '{"score": 8.5, "rationale": "r"}'];
    const judge = await reference((_, r, n) => say(r, replies[n - 1] as string));
    expect((await judge.attention(input(""))).value).toEqual({ score: 8, rationale: "r" });
  });

  it("reads the gate's decision from the first line", async () => {
    const judge = await reference((_, r) => say(r, "\nI think it is TRUE\nFALSE"));
    expect((await judge.consistency(input("x"))).value).toBe(true);
  });
});

import { expect, it } from "vitest";
import { openJudge } from "../../judges/index.ts";
import { startServer as startJudge } from "../../judges/testing/scripted-server.ts";
import { completionOf, questionOfPrompt } from "./openrlhf.ts";
import { errorOf, goodItem, makeRewardApp, paperSettings, post, says } from "./testing/ask-rewards.ts";

const prompt =
  "<|im_start|>system\nLook closely.<|im_end|>\n<|im_start|>user\n<|vision_start|><|video_pad|><|vision_end|>Which colour?\nA. red\nB. blue<|im_end|>\n<|im_start|>assistant\n";
const label = { solution: "B", temporal_grounding: { "00:03": "A blue star appears." } };
const query = (completion: string, before = prompt) => `${before}${completion}<|im_end|>\n<|endoftext|>`;

/** What is sent back. */
interface Sent {
  rewards: number[];
  scores: number[];
  extra_logs: Record<string, number[]>;
}

async function ask(body: object, app = makeRewardApp()): Promise<Sent> {
  const response = await post(app, body, "/openrlhf");
  expect(response.status).toBe(200);
  return (await response.json()) as Sent;
}

it("rewards what follows the prompt, with labels as objects, JSON or answers", async () => {
  const right = query(says("blue", "B"));
  const sent = await ask({
    query: [right, right, right, query(says("red", "A"))],
    prompts: [prompt, prompt, prompt, prompt],
    labels: [label, JSON.stringify(label), "B", JSON.stringify(label)],
  });
  expect(sent).toEqual({
    rewards: [3, 3, 2, 2],
    scores: [1, 1, 1, 2 / 3],
    extra_logs: { accuracy: [1, 1, 1, 0], format: [1, 1, 1, 1], tar: [1, 1, 0, 1], tar_known: [1, 1, 0, 1] },
  });
});

it("writes floats, which Python would else read as integers", async () => {
  const body = { query: [query(says("blue", "B"))], prompts: [prompt], labels: [label] };
  const text = await (await post(makeRewardApp(), body, "/openrlhf")).text();
  expect(text).toMatch(/^\{"rewards": \[3\.0\], "scores": \[1\.0\], "extra_logs": \{"accuracy": \[1\.0\], /);
});

it("gives the total by its weights, and scores as a share of what can be earned", async () => {
  const settings = { ...paperSettings, weights: { accuracy: 2, format: 0, temporal: 2 } };
  const sent = await ask(
    { query: [query(says("red", "A"))], prompts: [prompt], labels: [label] },
    makeRewardApp({ settings }),
  );
  expect([sent.rewards, sent.scores]).toEqual([[2], [0.5]]);
});

it("finds the completion where query and prompt differ before the prompt's end", () => {
  const padded = prompt.replace("<|video_pad|>", "<|video_pad|>".repeat(500));
  expect(completionOf(query("It is B.", padded), prompt, "query[0]")).toBe("It is B.");
  expect(completionOf(query("It is B.", prompt.slice(40)), prompt, "query[0]")).toBe("It is B.");
  expect(completionOf("It is B.</s><pad><pad>", "", "query[0]")).toBe("It is B.");
  expect(completionOf(prompt, prompt, "query[0]")).toBe("");
});

it("takes the user's last words for the question, without media", () => {
  expect(questionOfPrompt(prompt)).toBe("Which colour?\nA. red\nB. blue");
  expect(questionOfPrompt("<video>\nWhich colour?")).toBe("Which colour?");
});

it.each([
  ["no prompts", { query: [], labels: [] }, 422, "prompts"],
  ["too few labels", { query: ["ab"], prompts: ["a"], labels: [] }, 422, "labels"],
  ["a query of another prompt", { query: ["xyz"], prompts: ["abc"], labels: ["B"] }, 422, "query[0]"],
  ["a label of broken JSON", { query: ["ab"], prompts: ["a"], labels: ["{"] }, 422, "labels[0]"],
  [
    "a label with a wrong field",
    { query: ["ab"], prompts: ["a"], labels: [{ options: 3 }] },
    422,
    "labels[0].options",
  ],
  ["a label that is a list", { query: ["ab"], prompts: ["a"], labels: [["B"]] }, 422, "labels[0]"],
  ["a label without an answer", { query: ["ab"], prompts: ["a"], labels: [{}] }, 422, "labels[0]"],
])("refuses %s", async (_what, body, status, param) => {
  const error = await errorOf(await post(makeRewardApp(), body, "/openrlhf"));
  expect(error).toMatchObject({ status, param });
});

it("has no answer yet where a judge failed: nothing is 0 for it", async () => {
  const judge = await startJudge((_seen, response) => void response.writeHead(400).end());
  try {
    const app = makeRewardApp({ judge: await openJudge(`${judge.url}#m`) });
    const body = { query: [query(goodItem("a").completion)], prompts: [prompt], labels: [label] };
    const response = await post(app, body, "/openrlhf");
    expect(response.headers.get("retry-after")).toBe("1");
    expect(await errorOf(response)).toMatchObject({ status: 503, code: "no_reward_yet" });
  } finally {
    await judge.close();
  }
});

it("takes time that grows with the length of what is sent, whatever stands in it", () => {
  const long = 2_000_000;
  for (const piece of ["<|im_start|>user\n", "<|vision_start|>", " ", "<|im_end|>", "<pad>"]) {
    const text = piece.repeat(long / piece.length);
    const before = process.cpuUsage();
    questionOfPrompt(text);
    completionOf(`${text}x`, text.slice(0, -1), "query[0]");
    const { user, system } = process.cpuUsage(before);
    expect([piece, (user + system) / 1e6 < 1]).toEqual([piece, true]);
  }
});

/** Reward servers without a socket, and what tests send them. */

import type { ServerResponse } from "node:http";
import { LexicalEmbedder, RulesJudge } from "../../../judges/index.ts";
import { type SeenRequest, say } from "../../../judges/testing/scripted-server.ts";
import type { RewardSettings } from "../../../training/index.ts";
import { createRewardApp, type RewardApp, type RewardAppOptions } from "../create-reward-app.ts";

/** The paper's settings. */
export const paperSettings: RewardSettings = {
  weights: { accuracy: 1, format: 1, temporal: 1 },
  gate: true,
  deltaSeconds: 2,
  mode: "precision",
};

/** A server with rules and the lexical embedder, but for what is given. */
export const makeRewardApp = (options: Partial<RewardAppOptions> = {}): RewardApp =>
  createRewardApp({
    judge: new RulesJudge(),
    embedder: new LexicalEmbedder(),
    settings: paperSettings,
    ...options,
  });

/** A completion that says when what is seen, what it concludes, and what it answers. */
export const says = (conclusion: string, answer: string, seen = "At 00:03 a blue star appears.") =>
  `<think>${seen} So the answer is ${conclusion}.</think><answer>${answer}</answer>`;

/** A completion that earns 3: right, well-formed, consistent, its claim in the reference. */
export const goodItem = (id: string | number, more: object = {}) => ({
  id,
  completion: says("blue", "B"),
  question: "What colour is the star at 00:03?",
  row: {
    options: ["red", "blue"],
    solution: "B",
    temporal_grounding: { "00:03": "A blue star appears." },
    duration: 10,
  },
  ...more,
});

/** A result as it is sent. */
export interface SentResult {
  id: string | number;
  rewards: Record<"accuracy" | "format" | "tar", number | null>;
  total: number | null;
  reasons?: Record<string, string>;
  explanation?: Record<string, string | string[]>;
}

/** Sends a body to a path; text as it is, all else as JSON. */
export function post(
  app: RewardApp,
  body: unknown,
  path = "/v1/rewards",
  headers: Record<string, string> = {},
): Promise<Response> {
  return Promise.resolve(
    app.fetch(
      new Request(`http://127.0.0.1${path}`, {
        method: "POST",
        headers: { "content-type": "application/json", host: "127.0.0.1", ...headers },
        body: typeof body === "string" ? body : JSON.stringify(body),
      }),
    ),
  );
}

/** The results for items. @throws Error where the answer is not 200 */
export async function rewardsOf(
  app: RewardApp,
  items: readonly object[],
  more: object = {},
): Promise<SentResult[]> {
  const response = await post(app, { items, ...more });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`status ${response.status}: ${text}`);
  return (JSON.parse(text) as { results: SentResult[] }).results;
}

/** The error that a body is answered with. */
export async function errorOf(response: Response): Promise<{
  status: number;
  code: string;
  message: string;
  param: string | null;
}> {
  const { error } = (await response.json()) as { error: { code: string; message: string; param: string } };
  return { status: response.status, ...error };
}

/** The task that a judge's model is asked about, which our prompts name in the schema of the reply. */
export function taskOf(seen: SeenRequest): string {
  const format = seen.response_format as { json_schema?: { name?: string } } | undefined;
  return format?.json_schema?.name ?? "";
}

/** Replies as a judge's model that finds the reasoning consistent, and in it the claim of `goodItem`. */
export function agree(seen: SeenRequest, response: ServerResponse): void {
  const claims = [{ start: 3, end: 3, text: "a blue star appears" }];
  say(
    response,
    taskOf(seen) === "claims"
      ? JSON.stringify({ claims })
      : JSON.stringify({ words: "So blue.", verdict: "consistent" }),
  );
}

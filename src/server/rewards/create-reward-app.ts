/** The reward server as a function from requests to responses; it opens no socket. */

import { type Context, Hono } from "hono";
import { messageOf } from "../../base/index.ts";
import type { Embedder, Judge } from "../../judges/index.ts";
import type { RewardSettings } from "../../training/index.ts";
import { readJson } from "../check-body.ts";
import { type GuardOptions, guard, limitBody } from "../guard.ts";
import { HttpError } from "../http-error.ts";
import { BatchingEmbedder } from "./batching-embedder.ts";
import { ItemRewarder } from "./item-rewarder.ts";
import { type ItemRewards, resultJson } from "./item-rewards.ts";
import type { Log } from "./json-log.ts";
import { JudgeProbe, type Probe } from "./judge-probe.ts";
import { answerError, type Observed, observeRequests } from "./observe-requests.ts";
import { openRlhfJson, parseOpenRlhfRequest } from "./openrlhf.ts";
import { RewardMetrics } from "./reward-metrics.ts";
import { RewardQueue } from "./reward-queue.ts";
import {
  parseRewardRequest,
  type RequestRules,
  type RewardItem,
  type RewardRequest,
} from "./reward-request.ts";

/** What rewards, and within which limits. */
export interface RewardAppOptions extends GuardOptions {
  /** What decides about consistency; it is not closed here. */
  judge: Judge;
  /** What compares claims; it is not closed here. */
  embedder: Embedder;
  settings: RewardSettings;
  /** Asks whether the judge is there. Default: it always is. */
  probeJudge?: Probe | undefined;
  /** Seconds until a request that names no deadline is answered. Default 60. */
  deadlineSeconds?: number | undefined;
  /** Most completions waiting or in progress. Default 4096. */
  queueLimit?: number | undefined;
  /** Completions in progress at once. Default 64. */
  inFlight?: number | undefined;
  /** Results kept for requests that are sent again. Default 20,000. */
  remembered?: number | undefined;
  /** Most texts in a call of the embedder, and milliseconds that one waits for others. Default 256 and 2. */
  embedBatch?: { size: number; waitMs: number } | undefined;
  /** Most bytes of a request's body. Default 16 MiB. */
  maxBodyBytes?: number | undefined;
  /** Most characters of a completion. Default 32,768. */
  maxCompletion?: number | undefined;
  /** Told what happens. Default: nobody. */
  log?: Log | undefined;
}

/** The reward server, with what it takes to stop it. */
export interface RewardApp {
  /** Answers one request. */
  fetch: (request: Request, env?: unknown) => Response | Promise<Response>;
  /** Reward requests being answered. */
  readonly active: number;
  /** Refuses new reward requests with 503. */
  refuse: () => void;
  /** Answers all requests with what is known. */
  abandon: () => void;
}

/** Reads a body. */
type Parse = (body: unknown) => RewardRequest;
/** Writes results as JSON. */
type Answer = (items: readonly RewardItem[], results: readonly ItemRewards[]) => string;

const countNulls = (results: readonly ItemRewards[]) =>
  results.flatMap(({ parts }) => Object.values(parts)).filter(({ value }) => value === null).length;

/** What answers requests, and its state. */
class RewardService implements RewardApp {
  readonly fetch: RewardApp["fetch"];
  readonly #options: RewardAppOptions;
  readonly #limit: number;
  readonly #metrics: RewardMetrics;
  readonly #queue: RewardQueue;
  readonly #probe: JudgeProbe;
  #active = 0;
  #stopping = false;

  constructor(options: RewardAppOptions) {
    const { judge, settings, log = () => {} } = options;
    this.#options = options;
    this.#limit = options.queueLimit ?? 4096;
    this.#probe = new JudgeProbe(options.probeJudge ?? (async () => {}));
    const embedder = new BatchingEmbedder(options.embedder, {
      batchSize: options.embedBatch?.size,
      waitMs: options.embedBatch?.waitMs,
      onBatch: (texts, callers) => this.#metrics.batch(texts, callers),
    });
    const rewarder = new ItemRewarder({
      judge,
      embedder,
      settings,
      onFault: (error) =>
        log("error", "fault", { message: error instanceof Error ? error.stack : messageOf(error) }),
    });
    this.#queue = new RewardQueue(rewarder, {
      limit: this.#limit,
      inFlight: options.inFlight ?? 64,
      remembered: options.remembered ?? 20_000,
    });
    this.#metrics = new RewardMetrics({
      queue: () => this.#places(),
      judge: () => judge.usage(),
      info: { judge: judge.name, embedder: embedder.name, compat: settings.compat ?? "paper" },
    });
    this.fetch = this.#routes(log).fetch;
  }

  get active(): number {
    return this.#active;
  }

  refuse(): void {
    this.#stopping = true;
  }

  abandon(): void {
    this.#queue.abandon();
  }

  #places() {
    const { waiting, running } = this.#queue;
    return { waiting, running, limit: this.#limit };
  }

  #routes(log: Log): Hono<Observed> {
    const { settings, deadlineSeconds = 60, maxCompletion = 32_768 } = this.#options;
    const rules: RequestRules = { compat: settings.compat ?? "paper", deadlineSeconds, maxCompletion };
    const limit = limitBody(this.#options.maxBodyBytes ?? 16 * 2 ** 20, "send fewer items in a request");
    const app = new Hono<Observed>();
    app.onError(answerError(log));
    app.notFound((c) =>
      c.json(new HttpError(404, "not_found", `there is no ${c.req.method} ${c.req.path}`), 404),
    );
    app.use(observeRequests(this.#metrics, log));
    app.use(guard(this.#options));
    app.post("/v1/rewards", limit, (c) =>
      this.#reward(
        c,
        (body) => parseRewardRequest(body, rules),
        (items, results) =>
          JSON.stringify({
            results: results.map((result, i) => resultJson((items[i] as RewardItem).id, result)),
          }),
      ),
    );
    app.post("/openrlhf", limit, (c) =>
      this.#reward(
        c,
        (body) => parseOpenRlhfRequest(body, rules),
        (_items, results) => openRlhfJson(results, settings.weights),
      ),
    );
    app.get("/metrics", (c) =>
      c.text(this.#metrics.text(), 200, { "content-type": "text/plain; version=0.0.4" }),
    );
    app.get("/healthz", (c) => this.#health(c));
    return app;
  }

  /** Reads, rewards and answers. */
  async #reward(c: Context<Observed>, parse: Parse, answer: Answer): Promise<Response> {
    if (this.#stopping) throw new HttpError(503, "server_stopping", "the server is stopping", null, 5);
    this.#active++;
    try {
      const begun = performance.now();
      const { items, step, deadlineSeconds } = parse(await readJson(c.req.raw));
      c.set("fields", { items: items.length, step });
      const done = await this.#queue.reward(items, { deadlineSeconds, signal: c.req.raw.signal });
      const { results, remembered } = done;
      this.#metrics.rewarded(results, remembered, (performance.now() - begun) / 1000);
      c.set("fields", { items: items.length, step, nulls: countNulls(results), remembered });
      return c.body(answer(items, results), 200, { "content-type": "application/json" });
    } finally {
      this.#active--;
    }
  }

  /** 200 where rewards can be had, else 503. */
  async #health(c: Context): Promise<Response> {
    const { judge, embedder, settings } = this.#options;
    const failure = await this.#probe.failure();
    const ready = failure === null && !this.#stopping;
    return c.json(
      {
        status: this.#stopping ? "stopping" : ready ? "ok" : "judge unreachable",
        ready,
        queue: this.#places(),
        judge: { name: judge.name, reachable: failure === null, ...(failure ? { reason: failure } : {}) },
        embedder: embedder.name,
        compat: settings.compat ?? "paper",
      },
      ready ? 200 : 503,
    );
  }
}

/** Makes the reward server. */
export const createRewardApp = (options: RewardAppOptions): RewardApp => new RewardService(options);

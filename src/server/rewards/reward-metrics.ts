/** What `/metrics` shows of a reward server. */

import type { JudgeUsage } from "../../judges/index.ts";
import type { ItemRewards } from "./item-rewards.ts";
import { Counter, Gauge, Histogram, type Labels, type Metric } from "./prometheus.ts";

/** What is looked up when the metrics are asked for. */
export interface MetricSources {
  /** Completions waiting and in progress, and the places for both. */
  queue: () => { waiting: number; running: number; limit: number };
  judge: () => JudgeUsage;
  /** What rewards, as labels. */
  info: Labels;
}

const seconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];
const counts = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

/** Counts what a reward server does. */
export class RewardMetrics {
  readonly #requests = new Counter("video_r2_requests_total", "Requests by path and status code.");
  readonly #items = new Counter("video_r2_items_total", "Completions that results were sent for.");
  readonly #remembered = new Counter(
    "video_r2_items_remembered_total",
    "Completions answered from memory, or by one in progress.",
  );
  readonly #nulls = new Counter("video_r2_nulls_total", "Rewards without a number, by reward and reason.");
  readonly #sums = new Counter("video_r2_reward_sum_total", "Sum of the rewards that are numbers.");
  readonly #known = new Counter("video_r2_rewards_total", "Rewards that are numbers.");
  readonly #latency = new Histogram("video_r2_request_seconds", "Time to answer reward requests.", seconds);
  readonly #perRequest = new Histogram("video_r2_request_items", "Completions in a request.", counts);
  readonly #texts = new Histogram("video_r2_embed_batch_texts", "Texts in a call of the embedder.", counts);
  readonly #callers = new Histogram(
    "video_r2_embed_batch_items",
    "Completions in a call of the embedder.",
    counts,
  );
  readonly #all: readonly Metric[];

  /** Begins at zero. */
  constructor({ queue, judge, info }: MetricSources) {
    const one = (value: () => number) => () => [[{}, value()]] as const;
    this.#all = [
      this.#requests,
      this.#items,
      this.#remembered,
      this.#nulls,
      this.#known,
      this.#sums,
      this.#latency,
      this.#perRequest,
      this.#texts,
      this.#callers,
      new Gauge("video_r2_queue_items", "Completions in the queue, by state.", () => [
        [{ state: "waiting" }, queue().waiting],
        [{ state: "running" }, queue().running],
      ]),
      new Gauge(
        "video_r2_queue_limit",
        "Places in the queue.",
        one(() => queue().limit),
      ),
      new Gauge(
        "video_r2_judge_total",
        "What the judge did: requests, replies from its cache, tries again, failures.",
        () => {
          const { requests, cached, retried, failed } = judge();
          return Object.entries({ requests, cached, retried, failed }).map(
            ([what, value]) => [{ what }, value] as const,
          );
        },
        "counter",
      ),
      new Gauge(
        "video_r2_judge_tokens_total",
        "Tokens that the judge read and wrote.",
        () => [
          [{ kind: "prompt" }, judge().promptTokens],
          [{ kind: "completion" }, judge().completionTokens],
        ],
        "counter",
      ),
      new Gauge(
        "process_resident_memory_bytes",
        "Memory of the process.",
        one(() => process.memoryUsage.rss()),
      ),
      new Gauge("video_r2_info", "What rewards.", () => [[info, 1]]),
    ];
  }

  /** Counts an answered request. */
  request(path: string, code: number): void {
    this.#requests.add(1, { path, code: String(code) });
  }

  /** Counts the results of a request. */
  rewarded(results: readonly ItemRewards[], remembered: number, tookSeconds: number): void {
    this.#latency.observe(tookSeconds);
    this.#perRequest.observe(results.length);
    this.#items.add(results.length);
    this.#remembered.add(remembered);
    for (const { parts } of results)
      for (const [reward, part] of Object.entries(parts)) {
        if (part.value === null) {
          this.#nulls.add(1, { reward, reason: part.code });
          continue;
        }
        this.#known.add(1, { reward });
        this.#sums.add(part.value, { reward });
      }
  }

  /** Counts a call of the embedder. */
  batch(texts: number, callers: number): void {
    this.#texts.observe(texts);
    this.#callers.observe(callers);
  }

  /** All of them, as Prometheus reads them. */
  text(): string {
    return this.#all.map((metric) => metric.text()).join("");
  }
}

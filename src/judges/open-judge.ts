/** A judge from the words a user names it by. */

import { setMaxListeners } from "node:events";
import { UsageError } from "../base/index.ts";
import { connectServer, locateModel } from "../models/index.ts";
import { AskServer } from "./ask-server.ts";
import type { Judge } from "./judge.ts";
import { LlmJudge } from "./llm-judge.ts";
import { loadPrompts } from "./load-prompts.ts";
import { type JudgePrompts, judgePrompts } from "./prompts.ts";
import { ReplyCache } from "./reply-cache.ts";
import { RulesJudge } from "./rules-judge.ts";

/** How a judge works; rules need none of it. */
export interface JudgeOptions {
  /** What a model is asked, or a file of it. Default: our own prompts. */
  prompts?: JudgePrompts | string | undefined;
  /** `reference` reads replies, and takes blocks of a trace, as the reference's code does. Default `paper`. */
  compat?: "paper" | "reference" | undefined;
  /** Folder in which replies are kept, so that the same question is paid for once. Default: none are kept. */
  cacheDir?: string | undefined;
  /** Requests in flight at once. Default 8. */
  concurrency?: number | undefined;
  /** Times a request is sent again after a cut connection, a timeout, 408, 409, 429 or 5xx. Default 4. */
  retries?: number | undefined;
  /** The first pause before that, doubled for each further one. Default 0.5. */
  retrySeconds?: number | undefined;
  /** Seconds until a request that is not answered in full counts as failed. Default 120. */
  timeoutSeconds?: number | undefined;
  /** Default: the environment's `VIDEO_R2_API_KEY`, else `OPENAI_API_KEY`, else none. */
  apiKey?: string | undefined;
  /** Ends judging: what is not judged yet then is null. */
  signal?: AbortSignal | undefined;
  /** Told what the user should know, once each. Default: nobody. */
  warn?: ((message: string) => void) | undefined;
}

/**
 * Opens `rules` or `http://host:port/v1#model-name`. The server is asked for the model; if it does not answer and
 * the cache holds replies of it, these are used and the rest will be null.
 *
 * @throws UsageError for words that name no judge, a server that does not answer or lacks the model, prompts that
 *   are not whole, or a cache that cannot be written
 */
export async function openJudge(spec: string, options: JudgeOptions = {}): Promise<Judge> {
  if (spec === "rules") return new RulesJudge();
  if (!/^https?:/i.test(spec))
    throw new UsageError("judge-invalid", `judge: must be rules or http://host:port/v1#model, got ${spec}`);
  const {
    prompts: given = judgePrompts,
    cacheDir,
    concurrency = 8,
    timeoutSeconds = 120,
    warn = () => {},
  } = options;
  const prompts = typeof given === "string" ? await loadPrompts(given) : given;
  const place = await locateModel(spec);
  if (place.kind !== "server") throw new UsageError("judge-invalid", `judge: must be a server, got ${spec}`);
  const server = await connectServer({ ...place, apiKey: options.apiKey, timeoutSeconds });
  const stop = new AbortController();
  setMaxListeners(0, stop.signal);
  if (options.signal?.aborted) stop.abort(options.signal.reason);
  options.signal?.addEventListener("abort", () => stop.abort(options.signal?.reason), { once: true });
  const open = () =>
    cacheDir === undefined ? null : ReplyCache.open(cacheDir, `${server.url}#${server.model}`);
  const known = place.model === undefined ? null : await open();
  try {
    await server.check(stop.signal);
  } catch (error) {
    if (known === null || (await known.isEmpty())) throw error;
    warn(`${error instanceof Error ? error.message : String(error)}; only kept replies are used`);
  }
  const cache = known ?? (await open());
  const { retries = 4, retrySeconds = 0.5, compat = "paper" } = options;
  const asks = new AskServer(server, {
    cache,
    concurrency,
    retries,
    retrySeconds,
    warn,
    signal: stop.signal,
  });
  return new LlmJudge({
    server: `${server.url}#${server.model}`,
    asks,
    prompts,
    compat,
    stop: () => stop.abort(new Error("the judge was closed")),
  });
}

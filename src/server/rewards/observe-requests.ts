/** Every request has an id, is counted and logged, and ends in an answer that tells what was wrong. */

import { randomUUID } from "node:crypto";
import type { ErrorHandler, MiddlewareHandler } from "hono";
import { messageOf } from "../../base/index.ts";
import { toHttpError } from "../http-error.ts";
import type { Log } from "./json-log.ts";
import type { RewardMetrics } from "./reward-metrics.ts";

/** What is known of a request beside what it asks for. */
export interface Observed {
  Variables: {
    /** Its id: what the client sent as `x-request-id`, else one of our own; it is sent back. */
    request: string;
    /** What the log's line says beside path, status and time. */
    fields: object;
  };
}

/** Paths of requests for rewards, each of which the log tells at `info`. */
export const rewardPaths: readonly string[] = ["/v1/rewards", "/openrlhf"];
const paths = new Set([...rewardPaths, "/healthz", "/metrics"]);

/** Gives requests their id, counts them, and logs how they ended. */
export function observeRequests(metrics: RewardMetrics, log: Log): MiddlewareHandler<Observed> {
  return async (c, next) => {
    const begun = performance.now();
    const given = c.req.header("x-request-id") ?? "";
    const request = /^[\w.:-]{1,128}$/.test(given) ? given : randomUUID();
    c.set("request", request);
    await next();
    c.header("x-request-id", request);
    const { path, method } = c.req;
    const { status } = c.res;
    metrics.request(paths.has(path) ? path : "other", status);
    const level = status >= 500 ? "error" : rewardPaths.includes(path) ? "info" : "debug";
    const ms = Math.round((performance.now() - begun) * 10) / 10;
    log(level, "request", { request, method, path, status, ms, ...c.get("fields") });
  };
}

/** Answers with what went wrong; what is not the client's doing is in the log only. */
export function answerError(log: Log): ErrorHandler<Observed> {
  return (error, c) => {
    const shown = toHttpError(error);
    if (shown.status === 500)
      log("error", "fault", { request: c.get("request"), message: error.stack ?? messageOf(error) });
    if (shown.retryAfterSeconds !== undefined) c.header("retry-after", String(shown.retryAfterSeconds));
    if (shown.status === 401) c.header("www-authenticate", "Bearer");
    c.set("fields", { ...c.get("fields"), code: shown.code, message: shown.message });
    return c.json(shown, shown.status);
  };
}

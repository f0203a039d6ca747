/** What went wrong with a server, in words that say what to do. */

import { APIConnectionError, APIConnectionTimeoutError, APIError } from "openai";
import { messageOf, UsageError } from "../base/index.ts";

/** The innermost cause's code, such as `ECONNREFUSED`, or its message. */
function causeOf(error: unknown): string {
  let cause: unknown = error;
  while (cause instanceof Error && cause.cause !== undefined) cause = cause.cause;
  const code = (cause as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : messageOf(cause);
}

const reasons: Record<string, string> = {
  ECONNREFUSED: "nothing listens there (ECONNREFUSED)",
  ENOTFOUND: "no such host (ENOTFOUND)",
  EAI_AGAIN: "no such host, or no network (EAI_AGAIN)",
  ECONNRESET: "the connection was cut (ECONNRESET)",
  UND_ERR_SOCKET: "the connection was cut",
};

/** Turns an error of the `openai` client into a UsageError; others are given back as they are. */
export function explainServerError(error: unknown, url: string, model: string): unknown {
  const explained = (code: string, rule: string, got: string, hint?: string) =>
    new UsageError(code, `${url}: must ${rule}, got ${got}`, hint, { cause: error });
  if (error instanceof APIConnectionTimeoutError)
    return explained(
      "server-timeout",
      "answer in time",
      "no answer",
      "Is the server still loading its model?",
    );
  if (error instanceof APIConnectionError) {
    const cause = causeOf(error);
    return explained(
      "server-unreachable",
      "answer",
      reasons[cause] ?? cause,
      "Start the server, or check host and port; the address ends in /v1 for most servers.",
    );
  }
  // What is thrown where the connection ends in the middle of a reply: by Node, and by the built-in fetch.
  const cause = causeOf(error);
  if (cause === "ECONNRESET" || (error instanceof TypeError && /terminated|fetch failed/.test(error.message)))
    return explained("server-unreachable", "answer", reasons[cause] ?? "the connection was cut");
  if (!(error instanceof APIError)) return error;
  const { status } = error;
  const said = `${status ?? "an error"}: ${error.message.replace(/^\d+ /, "")}`;
  if (status === 401 || status === 403)
    return explained("server-auth", "accept the key", said, "Set VIDEO_R2_API_KEY or OPENAI_API_KEY.");
  if (status === 404)
    return explained(
      "model-unknown",
      `have the model ${model}`,
      said,
      "Name one the server has after #, as in http://host:port/v1#model; the address ends in /v1 for most servers.",
    );
  if (status === 429)
    return explained(
      "server-busy",
      "have room for the request",
      said,
      "Try again later, or with fewer requests at once.",
    );
  if (status !== undefined && status >= 500)
    return explained("server-failed", "answer", said, "The server's own log says more.");
  return explained("server-refused", "accept the request", said);
}

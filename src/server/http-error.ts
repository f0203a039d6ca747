/** Errors of the HTTP interface, in the shape of OpenAI's: `{error: {message, type, param, code}}`. */

import { UsageError } from "../base/index.ts";

/** An error with its HTTP status. */
export class HttpError extends Error {
  readonly status: 400 | 401 | 403 | 404 | 413 | 415 | 422 | 429 | 500 | 502 | 503;
  readonly code: string;
  /** The field of the request that is wrong, such as `messages[0].content`, or null. */
  readonly param: string | null;
  /** When to try again, for the header `Retry-After`; undefined where that makes no sense. */
  readonly retryAfterSeconds: number | undefined;

  /** Makes an error; its message is shown to the client. */
  constructor(
    status: HttpError["status"],
    code: string,
    message: string,
    param: string | null = null,
    retryAfterSeconds?: number,
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.param = param;
    this.retryAfterSeconds = retryAfterSeconds;
  }

  /** The body of the response. */
  toJSON(): { error: { message: string; type: string; param: string | null; code: string } } {
    const { message, param, code } = this;
    return { error: { message, type: this.#type, param, code } };
  }

  get #type(): string {
    if (this.status === 401 || this.status === 403) return "authentication_error";
    if (this.status === 429) return "rate_limit_error";
    return this.status >= 500 ? "server_error" : "invalid_request_error";
  }
}

/** What a client is told of anything thrown: what it did wrong, or that the server failed, without insides. */
export function toHttpError(error: unknown): HttpError {
  if (error instanceof HttpError) return error;
  if (!(error instanceof UsageError))
    return new HttpError(500, "internal_error", "the server failed; its log says more");
  const message = error.hint === undefined ? error.message : `${error.message}. ${error.hint}`;
  return new HttpError(error.code.startsWith("server-") ? 502 : 400, error.code, message);
}

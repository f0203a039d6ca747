/** Who may ask, and how much may be sent. */

import { timingSafeEqual } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { sha256 } from "../base/index.ts";
import { HttpError } from "./http-error.ts";

/** Who may ask. */
export interface GuardOptions {
  /** Where set, what requests must send as `Authorization: Bearer`, or as the password of `Basic`. */
  apiKey?: string | undefined;
  /** Host names that requests may be addressed to; default any. Keeps web pages from reaching a local server. */
  hosts?: readonly string[] | undefined;
}

/** Hashed first, so that the comparison takes the same time for keys of any length. */
const sameKey = (a: string, b: string) => timingSafeEqual(Buffer.from(sha256(a)), Buffer.from(sha256(b)));

/** The key that a header carries; clients that can send none but in their address send it as a password. */
function keyOf(header: string): string | undefined {
  const [, scheme, value = ""] = /^(Bearer|Basic) (.+)$/i.exec(header) ?? [];
  if (scheme?.toLowerCase() !== "basic") return value || undefined;
  return /:(.*)$/s.exec(Buffer.from(value, "base64").toString("utf8"))?.[1];
}

/** Lets through who is addressed to this host and has the key; `/healthz` needs none. */
export function guard({ apiKey, hosts }: GuardOptions): MiddlewareHandler {
  return async (c, next) => {
    const host = (c.req.header("host") ?? "").replace(/:\d+$/, "").toLowerCase();
    if (hosts && !hosts.includes(host))
      throw new HttpError(403, "wrong_host", "the request is addressed to another host");
    if (apiKey !== undefined && c.req.path !== "/healthz") {
      const key = keyOf(c.req.header("authorization") ?? "");
      if (!(key && sameKey(key, apiKey)))
        throw new HttpError(401, "invalid_api_key", "the API key is missing or wrong");
    }
    await next();
  };
}

/** Refuses larger bodies with 413, also where they do not say how large they are. */
export function limitBody(maxBytes: number, hint: string): MiddlewareHandler {
  return bodyLimit({
    maxSize: maxBytes,
    onError: () => {
      throw new HttpError(413, "body_too_large", `the body must have at most ${maxBytes} bytes; ${hint}`);
    },
  });
}

/** Bodies of requests: read as JSON, checked against a schema, the first wrong field named. */

import type { z } from "zod";
import { messageOf } from "../base/index.ts";
import { HttpError } from "./http-error.ts";

/** Reads a body of JSON. @throws HttpError 415 for another content type, 400 for what is no JSON */
export async function readJson(request: Request): Promise<unknown> {
  // A page of another origin can send text, but not this type, without asking first.
  if (!/^application\/json\b/i.test(request.headers.get("content-type") ?? ""))
    throw new HttpError(415, "wrong_content_type", "the body must be application/json");
  try {
    return (await request.json()) as unknown;
  } catch (error) {
    if (error instanceof HttpError) throw error;
    throw new HttpError(400, "invalid_json", `the body must be JSON, got ${messageOf(error)}`);
  }
}

/** A field's place as programs write it: `items[3].row.options`. */
function fieldPath(path: readonly PropertyKey[], at: string): string {
  return path.reduce<string>(
    (text, key) =>
      typeof key === "number" ? `${text}[${key}]` : text === "" ? String(key) : `${text}.${String(key)}`,
    at,
  );
}

/**
 * Checks a body, or a part of one.
 *
 * @param at where the part stands, such as `labels[3]`
 * @throws HttpError with `status`, naming the first field that is wrong
 */
export function checkBody<T>(schema: z.ZodType<T>, body: unknown, status: 400 | 422, at = ""): T {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const issue = result.error.issues[0] as z.core.$ZodIssue;
  const param = fieldPath(issue.path, at);
  throw new HttpError(status, "invalid_request", `${param || "body"}: ${issue.message}`, param || null);
}

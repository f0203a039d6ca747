/** What the environment says about the hub, by the names that its own tools use. */

import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";

/** Where the hub's tools keep tokens and data: `HF_HOME`, else `huggingface` in the user's cache. */
export function hubHome(): string {
  const { HF_HOME, XDG_CACHE_HOME } = process.env;
  return HF_HOME || join(XDG_CACHE_HOME || join(homedir(), ".cache"), "huggingface");
}

/** The hub's address without a slash at its end: `HF_ENDPOINT`, else https://huggingface.co. */
export function hubEndpoint(): string {
  return (process.env.HF_ENDPOINT || "https://huggingface.co").replace(/\/+$/, "");
}

/** Whether `HF_HUB_OFFLINE` forbids requests. */
export function hubOffline(): boolean {
  return /^(?:1|true|yes|on)$/i.test(process.env.HF_HUB_OFFLINE ?? "");
}

/** Where `hf auth login` leaves the token: `HF_TOKEN_PATH`, else `token` in the hub's home. */
export function hubTokenPath(): string {
  return process.env.HF_TOKEN_PATH || join(hubHome(), "token");
}

/** The user's token: `HF_TOKEN`, else what `hubTokenPath` holds; null where there is none. */
export async function hubToken(): Promise<string | null> {
  const given = process.env.HF_TOKEN?.trim();
  if (given) return given;
  const text = await readFile(hubTokenPath(), "utf8").catch(() => "");
  return text.trim() || null;
}

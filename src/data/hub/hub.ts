/**
 * The hub's data sets: which files there are, and their bytes. The token goes to the hub's own address and nowhere
 * else: files mostly lie elsewhere, where the hub sends one with a signed address.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { hubEndpoint, hubOffline, hubToken } from "./hub-environment.ts";
import {
  endpointError,
  failedError,
  forbiddenError,
  gatedError,
  offlineError,
  reasonOf,
  repositoryError,
  revisionError,
  tokenError,
  unreachableError,
} from "./hub-errors.ts";

/** A file of a data set. */
export interface HubFile {
  /** In the repository, with slashes. */
  path: string;
  /** In bytes. */
  size: number;
  /** SHA-256 of its content, where it is a large file (LFS); null else. */
  sha256: string | null;
  /** Git's name of it: SHA-1 of `blob SIZE\0` and its content, unless it is a large file. */
  blob: string;
}

/** How the hub is spoken to. */
export interface HubOptions {
  /** Default as `hubEndpoint`. */
  endpoint?: string;
  /** Default as `hubToken`; null for none. */
  token?: string | null;
  signal?: AbortSignal | undefined;
  /** The wait before the second attempt in milliseconds, doubled before each further one; default 1000. */
  waitMilliseconds?: number;
}

/** Answers after which the same request may do better. */
const passing = new Set([408, 429, 500, 502, 503, 504]);
const redirects = new Set([301, 302, 303, 307, 308]);
const attempts = 5;
/** Reasons that mostly last. */
const lasting = /^(?:ENOTFOUND|ECONNREFUSED)$|CERT/;
const hops = 5;
/** Without an answer or a further byte for so long, a connection is given up. */
export const silenceMilliseconds = 60_000;

/** How long an answer asks to wait, in milliseconds; 0 where it does not say. */
function askedWait({ headers }: Response): number {
  const seconds = Number(
    headers.get("retry-after") ?? /(?:^|;)t=(\d+)/.exec(headers.get("ratelimit") ?? "")?.[1] ?? 0,
  );
  return Number.isFinite(seconds) ? Math.min(300, seconds) * 1000 : 0;
}

/** The next page that a `Link` header names. */
function nextPage(response: Response, url: string): string | null {
  const next = /<([^>]+)>\s*;\s*rel="?next"?/.exec(response.headers.get("link") ?? "")?.[1];
  return next === undefined ? null : new URL(next, url).href;
}

interface TreeEntry {
  type: string;
  path: string;
  size: number;
  oid: string;
  lfs?: { oid: string; size: number };
}

/** One hub, with one user's token. */
export class Hub {
  /** Its address. */
  readonly endpoint: string;
  readonly #token: string | null;
  readonly #signal: AbortSignal | undefined;
  /** The wait before a second attempt. */
  readonly waitMilliseconds: number;

  private constructor(options: HubOptions & { token: string | null }) {
    this.endpoint = options.endpoint ?? hubEndpoint();
    this.#token = options.token;
    this.#signal = options.signal;
    this.waitMilliseconds = options.waitMilliseconds ?? 1000;
  }

  /** @throws UsageError `hub-offline` where the environment forbids requests, `hub-endpoint` for no address */
  static async open(options: HubOptions = {}): Promise<Hub> {
    if (hubOffline()) throw offlineError();
    const endpoint = options.endpoint ?? hubEndpoint();
    if (!/^https?:$/.test(URL.parse(endpoint)?.protocol ?? "")) throw endpointError(endpoint);
    return new Hub({ ...options, token: options.token === undefined ? await hubToken() : options.token });
  }

  /**
   * The commit that a branch stands at.
   *
   * @param revision a branch, tag or commit; null for `main`
   * @throws UsageError `hub-repository`, `hub-revision`, `hub-gated`, `hub-token`, `hub-unreachable`, `hub-failed`
   */
  async commit(repository: string, revision: string | null): Promise<string> {
    const branch = revision ?? "main";
    const url = `${this.endpoint}/api/datasets/${repository}/revision/${encodeURIComponent(branch)}`;
    const response = await this.#ask(url, repository, { revision: branch });
    const { sha } = (await response.json()) as { sha?: unknown };
    if (typeof sha !== "string") throw failedError(url, response.status, "no commit");
    return sha;
  }

  /** All files at a commit. @throws UsageError as `commit` */
  async listFiles(repository: string, commit: string): Promise<HubFile[]> {
    const files: HubFile[] = [];
    let url: string | null =
      `${this.endpoint}/api/datasets/${repository}/tree/${encodeURIComponent(commit)}?recursive=true`;
    while (url !== null) {
      const response: Response = await this.#ask(url, repository, { revision: commit });
      for (const { type, path, size, oid, lfs } of (await response.json()) as TreeEntry[])
        if (type === "file")
          files.push({ path, size: lfs?.size ?? size, sha256: lfs?.oid ?? null, blob: oid });
      url = nextPage(response, url);
    }
    return files;
  }

  /** Asks whether a file may be read, without reading it. @throws UsageError as `commit` */
  async checkAccess(repository: string, commit: string, path: string): Promise<void> {
    const response = await this.#ask(this.#addressOf(repository, commit, path), repository, {
      method: "HEAD",
    });
    await response.body?.cancel();
  }

  /** A small file as text. @throws UsageError as `commit` */
  async readText(repository: string, commit: string, path: string): Promise<string> {
    return (await this.#ask(this.#addressOf(repository, commit, path), repository, {})).text();
  }

  /**
   * One attempt to get a file from a byte on. What only fails for now comes back as null, so that the caller can go
   * on with what it has by then.
   *
   * @param signal ends the request
   * @returns an answer with status 200 (the whole file), 206 (from that byte on) or 416 (there is nothing from there on)
   * @throws UsageError as `commit`, but for `hub-unreachable` and `hub-failed`
   */
  async openFile(
    repository: string,
    commit: string,
    path: string,
    start: number,
    signal: AbortSignal,
  ): Promise<Response | null> {
    const url = this.#addressOf(repository, commit, path);
    const headers = { "accept-encoding": "identity", ...(start > 0 ? { range: `bytes=${start}-` } : {}) };
    const response = await this.#follow(url, { headers, signal });
    if ([200, 206, 416].includes(response.status)) return response;
    await response.body?.cancel();
    // A signed address that has run out is refused by where it leads, not by the hub.
    if (!this.#isHub(response.url)) return null;
    if (!passing.has(response.status)) throw await this.#explain(response, repository, undefined);
    await sleep(askedWait(response), undefined, { signal });
    return null;
  }

  #addressOf(repository: string, commit: string, path: string): string {
    const file = path.split("/").map(encodeURIComponent).join("/");
    return `${this.endpoint}/datasets/${repository}/resolve/${encodeURIComponent(commit)}/${file}`;
  }

  #isHub(url: string): boolean {
    return new URL(url).origin === new URL(this.endpoint).origin;
  }

  /** Follows where one is sent, with the token as long as that is the hub itself. */
  async #follow(
    start: string,
    init: { method?: string; headers?: Record<string, string>; signal?: AbortSignal | undefined },
  ): Promise<Response> {
    let url = start;
    for (let hop = 0; ; hop++) {
      const headers = new Headers({ "user-agent": "video-r2", ...init.headers });
      if (this.#token !== null && this.#isHub(url)) headers.set("authorization", `Bearer ${this.#token}`);
      const response = await fetch(url, {
        ...init,
        signal: init.signal ?? null,
        headers,
        redirect: "manual",
      });
      const to = response.headers.get("location");
      if (!redirects.has(response.status) || to === null) return response;
      const next = new URL(to, url).href;
      // Signed addresses are for GET only; being sent there is the answer.
      if (init.method === "HEAD" && !this.#isHub(next)) return response;
      await response.body?.cancel();
      if (hop === hops) throw failedError(start, response.status, "sent on and on");
      url = next;
    }
  }

  /** Asks until there is an answer, or none to be hoped for. */
  async #ask(
    url: string,
    repository: string,
    { method = "GET", revision }: { method?: string; revision?: string },
  ): Promise<Response> {
    for (let attempt = 1; ; attempt++) {
      let wait = this.waitMilliseconds * 2 ** (attempt - 1);
      try {
        const timeout = AbortSignal.timeout(silenceMilliseconds);
        const signal = this.#signal === undefined ? timeout : AbortSignal.any([this.#signal, timeout]);
        const response = await this.#follow(url, { method, signal });
        if (response.ok || (method === "HEAD" && redirects.has(response.status))) return response;
        if (!passing.has(response.status) || attempt === attempts)
          throw await this.#explain(response, repository, revision);
        await response.body?.cancel();
        wait = Math.max(wait, askedWait(response));
      } catch (error) {
        this.#signal?.throwIfAborted();
        if (!isNetworkError(error)) throw error;
        if (attempt === attempts || (attempt > 1 && lasting.test(reasonOf(error))))
          throw unreachableError(url, error);
      }
      await sleep(wait, undefined, { signal: this.#signal });
    }
  }

  /** The error that an answer means. */
  async #explain(response: Response, repository: string, revision: string | undefined): Promise<Error> {
    const { status, headers, url } = response;
    const request = { endpoint: this.endpoint, repository, withToken: this.#token !== null };
    const code = headers.get("x-error-code");
    await response.body?.cancel();
    if (code === "GatedRepo") return gatedError(request);
    if (code === "RevisionNotFound" && revision !== undefined) return revisionError(request, revision);
    if (status === 401 && this.#token !== null && (await this.#isTokenRefused())) return tokenError(request);
    if (code === "RepoNotFound" || status === 401 || (status === 404 && code === null))
      return repositoryError(request);
    if (status === 403) return forbiddenError(request, headers.get("x-error-message"));
    return failedError(url, status, headers.get("x-error-message"));
  }

  async #isTokenRefused(): Promise<boolean> {
    const response = await this.#follow(`${this.endpoint}/api/whoami-v2`, { signal: this.#signal });
    await response.body?.cancel();
    return response.status === 401;
  }
}

/** Whether a request got no answer, or an answer broke off. */
export function isNetworkError(error: unknown): boolean {
  return error instanceof TypeError || (error instanceof Error && error.name === "TimeoutError");
}

/**
 * A server that answers as the hub does: data sets with branches, lists in pages, large files sent elsewhere by signed
 * addresses, gated and private data sets; and that fails where it is told to.
 */

import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A data set of the server. */
export interface ImitatedDataset {
  /** Files of its branches, by path. */
  branches: Record<string, ReadonlyMap<string, Uint8Array>>;
  /** Who may read it: everybody, those that `accepted` names, or those without whom nobody sees that it is there. */
  access?: "open" | "gated" | "private";
}

/** A request that was made. */
export interface SeenRequest {
  /** Whether it was made to the hub itself, or to where it sends one for large files. */
  at: "hub" | "cdn";
  method: string;
  url: string;
  range: string | undefined;
  authorization: string | undefined;
}

/** How one download goes wrong. */
export interface Fault {
  /** `cut`: the connection ends after so many bytes; `flip`: a byte is another; `status`: that answer; `hang`: no answer. */
  kind: "cut" | "flip" | "status" | "hang";
  /** Bytes before the cut, or the status. */
  value?: number;
}

/** A running server. */
export interface ImitatedHub {
  url: string;
  requests: SeenRequest[];
  /** What goes wrong with the next downloads of a path, in order. */
  faults: Map<string, Fault[]>;
  /** Whether parts of files can be asked for. */
  ranges: boolean;
  close(): Promise<void>;
}

const large = /\.(?:mp4|zip|tar|gz|parquet|part\.\w+|\d{3})$/;
const sha1 = (content: Uint8Array) =>
  createHash("sha1").update(`blob ${content.length}\0`).update(content).digest("hex");
const sha256 = (content: Uint8Array) => createHash("sha256").update(content).digest("hex");

/** Commits have their branch in their name. */
const commitOf = (branch: string) => Buffer.from(branch).toString("hex").padEnd(40, "0").slice(0, 40);

function listing(files: ReadonlyMap<string, Uint8Array>): object[] {
  const entries: object[] = [{ type: "directory", oid: "0", size: 0, path: "somewhere" }];
  for (const [path, content] of files) {
    const size = content.length;
    const lfs = large.test(path) ? { lfs: { oid: sha256(content), size, pointerSize: 130 } } : {};
    entries.push({ type: "file", oid: sha1(content), size, path, ...lfs });
  }
  return entries;
}

/** @param tokens who they belong to: `accepted` is let in everywhere, `known` is not; all others are refused */
export async function startImitatedHub(
  datasets: Record<string, ImitatedDataset>,
  { pageSize = 7, tokens = { accepted: "hf_accepted", known: "hf_known" } } = {},
): Promise<ImitatedHub> {
  const state: ImitatedHub = {
    url: "",
    requests: [],
    faults: new Map(),
    ranges: true,
    close: async () => {
      for (const server of [hub, cdn]) {
        server.close();
        server.closeAllConnections();
      }
    },
  };
  let cdnUrl = "";

  function note(at: "hub" | "cdn", { method = "", url = "", headers }: IncomingMessage): void {
    state.requests.push({ at, method, url, range: headers.range, authorization: headers.authorization });
  }

  const refuse = (response: ServerResponse, status: number, code: string | null, message: string) => {
    response.writeHead(status, {
      ...(code === null ? {} : { "x-error-code": code }),
      "x-error-message": message,
    });
    return response.end(JSON.stringify({ error: message }));
  };

  /** Sends a file, or a part of it, or fails as it was told to. */
  function send(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    content: Uint8Array,
  ): unknown {
    const fault = request.method === "HEAD" ? undefined : state.faults.get(path)?.shift();
    if (fault?.kind === "hang") return undefined;
    if (fault?.kind === "status") return refuse(response, fault.value ?? 500, null, "told to fail");
    const start = state.ranges ? Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0) : 0;
    if (start > 0 && start >= content.length) return response.writeHead(416).end();
    const body = Buffer.from(content.subarray(start));
    if (fault?.kind === "flip") body[0] = (body[0] as number) ^ 1;
    response.writeHead(start > 0 ? 206 : 200, {
      "content-length": body.length,
      ...(start > 0 ? { "content-range": `bytes ${start}-${content.length - 1}/${content.length}` } : {}),
    });
    if (request.method === "HEAD") return response.end();
    if (fault?.kind !== "cut") return response.end(body);
    return response.write(body.subarray(0, fault.value ?? 0), () =>
      setTimeout(() => request.socket.destroy(), 20),
    );
  }

  const cdn = createServer((request, response) => {
    note("cdn", request);
    const { searchParams, pathname } = new URL(request.url ?? "", "http://x");
    const [repository = "", branch = "", path = ""] = JSON.parse(
      decodeURIComponent(pathname.slice(1)),
    ) as string[];
    if (searchParams.get("signature") !== "right" || request.method !== "GET")
      return refuse(response, 403, null, "signature");
    const content = datasets[repository]?.branches[branch]?.get(path);
    if (content === undefined) return refuse(response, 404, null, "no object");
    send(request, response, path, content);
  });

  const hub = createServer((request, response) => {
    note("hub", request);
    const token = request.headers.authorization?.replace(/^Bearer /, "");
    if (token !== undefined && !Object.values(tokens).includes(token))
      return refuse(response, 401, null, "Invalid credentials in Authorization header");
    const url = new URL(request.url ?? "", "http://x");
    if (url.pathname === "/api/whoami-v2")
      return token === undefined ? refuse(response, 401, null, "who") : response.end('{"name":"someone"}');
    const [, api, repository = "", verb, revision = "", path] =
      /^\/(api\/)?datasets\/([^/]+\/[^/]+)\/(\w+)\/([^/]+)(?:\/(.+))?$/.exec(
        url.pathname.replace("/resolve-cache", ""),
      ) ?? [];
    const dataset = datasets[repository];
    if (dataset === undefined || (dataset.access === "private" && token !== tokens.accepted))
      return refuse(response, token === undefined ? 401 : 404, "RepoNotFound", "Repository not found");
    const branch = Object.keys(dataset.branches).find((name) =>
      [name, commitOf(name)].includes(decodeURIComponent(revision)),
    );
    if (branch === undefined) return refuse(response, 404, "RevisionNotFound", "Invalid rev id");
    const files = dataset.branches[branch] as ReadonlyMap<string, Uint8Array>;
    if (api && verb === "revision") {
      const siblings = [...files.keys()].map((rfilename) => ({ rfilename }));
      return response.end(
        JSON.stringify({
          id: repository,
          sha: commitOf(branch),
          private: dataset.access === "private",
          siblings,
        }),
      );
    }
    if (api && verb === "tree") {
      const entries = listing(files);
      const from = Number(url.searchParams.get("cursor") ?? 0);
      const next = `${state.url}${url.pathname}?recursive=true&cursor=${from + pageSize}`;
      if (from + pageSize < entries.length) response.setHeader("link", `<${next}>; rel="next"`);
      return response.end(JSON.stringify(entries.slice(from, from + pageSize)));
    }
    if (dataset.access === "gated" && token !== tokens.accepted)
      return refuse(response, token === undefined ? 401 : 403, "GatedRepo", "Access is restricted");
    const name = decodeURIComponent(path ?? "");
    const content = files.get(name);
    if (content === undefined) return refuse(response, 404, "EntryNotFound", "Entry not found");
    if (large.test(name)) {
      const location = `${cdnUrl}/${encodeURIComponent(JSON.stringify([repository, branch, name]))}?signature=right`;
      const told = { "x-repo-commit": commitOf(branch), "x-linked-etag": `"${sha256(content)}"` };
      return response.writeHead(302, { location, "x-linked-size": content.length, ...told }).end();
    }
    if (verb === "resolve" && !url.pathname.includes("resolve-cache"))
      return response
        .writeHead(307, { location: `/api/resolve-cache/datasets/${repository}/resolve/${revision}/${path}` })
        .end();
    response.setHeader("etag", `"${sha1(content)}"`);
    response.setHeader("x-repo-commit", commitOf(branch));
    send(request, response, name, content);
  });

  state.url = await listening(hub);
  cdnUrl = await listening(cdn);
  return state;
}

async function listening(server: Server): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** What goes wrong with the hub, said so that one knows what to do. */

import { messageOf, UsageError } from "../../base/index.ts";
import { hubTokenPath } from "./hub-environment.ts";

/** A data set on the hub, and who asks for it. */
export interface HubRequest {
  endpoint: string;
  /** `org/name`. */
  repository: string;
  /** Whether a token was sent. */
  withToken: boolean;
}

const giveToken = () =>
  `give a token that may read it in HF_TOKEN, or in ${hubTokenPath()} by \`hf auth login\``;

/** The owner has to let one in, and has not. */
export function gatedError({ endpoint, repository, withToken }: HubRequest): UsageError {
  const page = `${endpoint}/datasets/${repository}`;
  return new UsageError(
    "hub-gated",
    `${repository}: must be read by those its owner lets in, got ${withToken ? "the token of someone who is not" : "no token"}`,
    withToken
      ? `Ask for access on ${page} with the account that the token belongs to. A fine-grained token must also be allowed to read gated repositories.`
      : `Ask for access on ${page}, then ${giveToken()}. Tokens are made on ${endpoint}/settings/tokens.`,
  );
}

/** The token does not reach so far. */
export function forbiddenError({ endpoint, repository }: HubRequest, said: string | null): UsageError {
  return new UsageError(
    "hub-forbidden",
    `${repository}: must be readable, got status 403${said === null ? "" : ` (${said.slice(0, 200)})`}`,
    `A fine-grained token must be allowed to read the data set: ${endpoint}/settings/tokens.`,
  );
}

/** The hub does not know the token. */
export function tokenError({ endpoint }: HubRequest): UsageError {
  return new UsageError(
    "hub-token",
    `token: must be one that ${endpoint} knows, got one that it refuses`,
    `It comes from ${process.env.HF_TOKEN?.trim() ? "HF_TOKEN" : hubTokenPath()}. Tokens are made on ${endpoint}/settings/tokens.`,
  );
}

/** There is no such data set, or none that one may see. */
export function repositoryError({ endpoint, repository, withToken }: HubRequest): UsageError {
  return new UsageError(
    "hub-repository",
    `${repository}: must be a data set on ${endpoint}, got none that ${withToken ? "the token" : "one without a token"} may see`,
    withToken ? "It may have been moved or made private." : `If it is private, ${giveToken()}.`,
  );
}

/** There is no such branch. */
export function revisionError({ repository }: HubRequest, revision: string): UsageError {
  return new UsageError(
    "hub-revision",
    `${repository}: must have the branch ${revision}, got none of that name`,
  );
}

/** The hub's address is none. */
export function endpointError(endpoint: string): UsageError {
  return new UsageError("hub-endpoint", `HF_ENDPOINT: must be an http or https address, got ${endpoint}`);
}

/** `HF_HUB_OFFLINE` is set. */
export function offlineError(): UsageError {
  return new UsageError(
    "hub-offline",
    `HF_HUB_OFFLINE: must not be set for a download, got ${process.env.HF_HUB_OFFLINE}`,
    "Unset it, or name a folder that holds the data with --data DIR.",
  );
}

/** Why a request that got no answer failed: the system's code where there is one, such as `ENOTFOUND`. */
export function reasonOf(error: unknown): string {
  if (error instanceof Error && error.cause !== undefined && error.cause !== error)
    return reasonOf(error.cause);
  const { code } = error as { code?: unknown };
  return typeof code === "string" ? code : messageOf(error);
}

/** Node's own requests take no notice of proxies unless they are told to. */
function proxyHint(): string {
  const { HTTPS_PROXY, https_proxy, NODE_USE_ENV_PROXY } = process.env;
  const ignored = (HTTPS_PROXY || https_proxy) && !NODE_USE_ENV_PROXY;
  return ignored ? " HTTPS_PROXY is heeded with NODE_USE_ENV_PROXY=1, from Node 24 on." : "";
}

/** No answer. */
export function unreachableError(url: string, error: unknown): UsageError {
  return new UsageError(
    "hub-unreachable",
    `${new URL(url).origin}: must be reachable, got ${reasonOf(error)}`,
    `Look at the network, or name a mirror in HF_ENDPOINT.${proxyHint()} Data can also be copied here and named with --data DIR. The same command goes on with what is there.`,
    { cause: error },
  );
}

/** An answer that makes no sense to us, or none but failures. */
export function failedError(url: string, status: number, said: string | null): UsageError {
  return new UsageError(
    "hub-failed",
    `${new URL(url).origin}${new URL(url).pathname}: must answer, got status ${status}${said === null ? "" : ` (${said.slice(0, 200)})`}`,
    status === 429
      ? "Too many requests: wait some minutes; with a token more are allowed. The same command goes on with what is there."
      : "Try again later; the same command goes on with what is there.",
  );
}

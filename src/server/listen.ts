/** A function from requests to responses on a socket. */

import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { createAdaptorServer } from "@hono/node-server";
import { UsageError } from "../base/index.ts";

/** What answers requests. */
type Fetch = (request: Request, env?: unknown) => Response | Promise<Response>;

/** A socket that listens. */
export interface Listening {
  /** Such as `http://127.0.0.1:8000`. */
  readonly url: string;
  /** Takes no more connections; those that are open stay. */
  refuse(): void;
  /** Waits a moment for the last answers to be sent, and cuts every connection. */
  close(): Promise<void>;
}

/** Names of this machine that no other machine can reach. */
export const loopback: readonly string[] = ["127.0.0.1", "localhost", "::1"];

/** The host names that requests to a host may carry: a local server is not for pages that reach for it. */
export const hostNames = (host: string): string[] | undefined =>
  loopback.includes(host) ? [...loopback, "[::1]"] : undefined;

/**
 * Listens for requests.
 *
 * @param host an address of this machine
 * @param port 0 takes any free one
 * @throws UsageError `server-listen` if the address is taken or not of this machine
 */
export async function listen(fetch: Fetch, host: string, port: number): Promise<Listening> {
  const server = createAdaptorServer({ fetch });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  }).catch((cause: NodeJS.ErrnoException) => {
    const got = cause.code === "EADDRINUSE" ? "one that is taken" : (cause.code ?? cause.message);
    throw new UsageError(
      "server-listen",
      `${host}:${port}: must be an address to listen on, got ${got}`,
      "Choose another with --port and --host.",
      { cause },
    );
  });
  const bound = (server.address() as AddressInfo).port;
  let closed: Promise<void> | undefined;
  const refuse = (): Promise<void> => {
    closed ??= new Promise((resolve) => server.close(() => resolve()));
    return closed;
  };
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${bound}`,
    refuse() {
      refuse();
    },
    async close() {
      const refused = refuse();
      if ("closeAllConnections" in server) {
        server.closeIdleConnections();
        await Promise.race([refused, sleep(200)]);
        server.closeAllConnections();
      }
      await refused;
    },
  };
}

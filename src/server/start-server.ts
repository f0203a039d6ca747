/** The HTTP interface on a socket. */

import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { createAdaptorServer } from "@hono/node-server";
import { UsageError } from "../base/index.ts";
import { type AppOptions, createApp } from "./create-app.ts";

/** Where the interface listens. */
export interface ServerOptions extends AppOptions {
  /** Default `127.0.0.1`: this machine only. */
  host?: string | undefined;
  /** Default 8000; 0 takes any free one. */
  port?: number | undefined;
}

/** A server that listens. */
export interface RunningServer {
  /** Such as `http://127.0.0.1:8000`. */
  readonly url: string;
  /** Chat requests being served or waiting. */
  readonly active: number;
  /**
   * Takes no more requests, waits for those in progress, then ends what is left.
   *
   * @param graceSeconds how long replies may go on. Default 10
   */
  close(graceSeconds?: number): Promise<void>;
}

const loopback = ["127.0.0.1", "localhost", "::1"];

/**
 * Listens for requests.
 *
 * @throws UsageError `server-listen` if the address is taken or not of this machine
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { host = "127.0.0.1", port = 8000 } = options;
  const local = loopback.includes(host);
  const app = createApp({ ...options, hosts: options.hosts ?? (local ? [...loopback, "[::1]"] : undefined) });
  const server = createAdaptorServer({ fetch: app.fetch });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  }).catch((cause: NodeJS.ErrnoException) => {
    const got = cause.code === "EADDRINUSE" ? "one that is taken" : (cause.code ?? cause.message);
    throw new UsageError(
      "server-listen",
      `${host}:${port}: must be an address to listen on, got ${got}`,
      "Choose another with --port and --host.",
      {
        cause,
      },
    );
  });
  const bound = (server.address() as AddressInfo).port;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${bound}`,
    get active() {
      return app.active;
    },
    async close(graceSeconds = 10) {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      const late = performance.now() + graceSeconds * 1000;
      while (app.active > 0 && performance.now() < late) await sleep(20);
      app.abort();
      if ("closeAllConnections" in server) {
        server.closeIdleConnections();
        await Promise.race([closed, sleep(200)]);
        server.closeAllConnections();
      }
      await closed;
    },
  };
}

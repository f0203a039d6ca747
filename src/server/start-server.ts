/** The HTTP interface on a socket. */

import { setTimeout as sleep } from "node:timers/promises";
import { type AppOptions, createApp } from "./create-app.ts";
import { hostNames, listen } from "./listen.ts";

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
  /** Requests being served or waiting. */
  readonly active: number;
  /**
   * Takes no more requests, waits for those in progress, then ends what is left.
   *
   * @param graceSeconds how long replies may go on. Default 10
   */
  close(graceSeconds?: number): Promise<void>;
}

/**
 * Listens for requests.
 *
 * @throws UsageError `server-listen` if the address is taken or not of this machine
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { host = "127.0.0.1", port = 8000 } = options;
  const app = createApp({ ...options, hosts: options.hosts ?? hostNames(host) });
  const listening = await listen(app.fetch, host, port);
  return {
    url: listening.url,
    get active() {
      return app.active;
    },
    async close(graceSeconds = 10) {
      listening.refuse();
      const late = performance.now() + graceSeconds * 1000;
      while (app.active > 0 && performance.now() < late) await sleep(20);
      app.abort();
      await listening.close();
    },
  };
}

/** The reward server on a socket. */

import { setTimeout as sleep } from "node:timers/promises";
import { UsageError } from "../../base/index.ts";
import { hostNames, listen, loopback } from "../listen.ts";
import type { RunningServer } from "../start-server.ts";
import { createRewardApp, type RewardAppOptions } from "./create-reward-app.ts";

/** Where a reward server listens. */
export interface RewardServerOptions extends RewardAppOptions {
  /** Default `127.0.0.1`: this machine only. */
  host?: string | undefined;
  /** Default 8765; 0 takes any free one. */
  port?: number | undefined;
}

/** Starts one; see `startRewardServer`. */
export async function runRewardServer(options: RewardServerOptions): Promise<RunningServer> {
  const { host = "127.0.0.1", port = 8765 } = options;
  if (!loopback.includes(host) && !options.apiKey)
    throw new UsageError(
      "server-open",
      `host: must be this machine's own address where there is no key, got ${host}`,
      "Give one with --api-key or VIDEO_R2_REWARD_TOKEN; clients send it as Authorization: Bearer.",
    );
  const app = createRewardApp({ ...options, hosts: options.hosts ?? hostNames(host) });
  const listening = await listen(app.fetch, host, port);
  const idle = async (milliseconds: number) => {
    const late = performance.now() + milliseconds;
    while (app.active > 0 && performance.now() < late) await sleep(10);
  };
  return {
    url: listening.url,
    get active() {
      return app.active;
    },
    async close(graceSeconds = 10) {
      app.refuse();
      await idle(graceSeconds * 1000);
      app.abandon();
      await idle(1000);
      await listening.close();
    },
  };
}

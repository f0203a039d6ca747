/** A reward server; what it takes is loaded when it is asked for, not with this package. */

import type { RewardServerOptions } from "./rewards/run-reward-server.ts";
import type { RunningServer } from "./start-server.ts";

/**
 * Listens for completions to reward. `close` refuses new requests with 503, lets those in progress end, and after the
 * grace answers them with what is known.
 *
 * @throws UsageError `server-open` for another address than this machine's own without a key; `server-listen` if the
 *   address is taken or not of this machine
 */
export async function startRewardServer(options: RewardServerOptions): Promise<RunningServer> {
  const { runRewardServer } = await import("./rewards/run-reward-server.ts");
  return runRewardServer(options);
}

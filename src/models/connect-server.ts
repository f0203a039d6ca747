/** A connection to an OpenAI-compatible server, loaded when it is asked for. */

import type { ServerConnection, ServerOptions } from "./server-connection.ts";

/** Makes a connection; nothing is sent yet. The protocol's client is loaded here, not with this package. */
export async function connectServer(options: ServerOptions): Promise<ServerConnection> {
  const { ServerConnection } = await import("./server-connection.ts");
  return new ServerConnection(options);
}

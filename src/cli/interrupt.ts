/** Ctrl-C: the first ends the work cleanly, the second at once. */

/** Thrown out of work that the user stopped. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";

  /** @param signal that stopped it */
  constructor(signal: NodeJS.Signals) {
    super(`stopped by ${signal}`);
  }
}

/**
 * Runs work with a signal that is aborted by Ctrl-C or SIGTERM; a second Ctrl-C ends the program.
 *
 * @throws what the work throws; Interrupted where the work threw because of the signal
 */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  const onSignal = (name: NodeJS.Signals) => {
    if (stop.signal.aborted) process.exit(130);
    stop.abort(new Interrupted(name));
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  try {
    return await work(stop.signal);
  } catch (error) {
    if (stop.signal.aborted) throw stop.signal.reason;
    throw error;
  } finally {
    process.off("SIGINT", onSignal);
    process.off("SIGTERM", onSignal);
  }
}

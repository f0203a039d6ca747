/** Bounded concurrency with order kept. */

interface Call<R> {
  result: Promise<R>;
  settled: boolean;
}

/**
 * Maps `items` through `work` with at most `limit` calls in flight and yields the results in the order of
 * the items. The source is pulled only as results are consumed, and at most `limit * ahead` calls are in flight or
 * wait for one before them that takes longer, so memory stays bounded.
 *
 * @param limit calls in flight, at least 1
 * @param ahead how far results may get ahead of the slowest call, at least 1, the default: then one call that takes
 *   ten times as long leaves all other places idle until it is done
 * @throws whatever `work` throws, at that item's place; calls already in flight are left to settle
 */
export async function* mapPool<T, R>(
  items: Iterable<T> | AsyncIterable<T>,
  limit: number,
  work: (item: T, index: number) => Promise<R>,
  ahead = 1,
): AsyncGenerator<R> {
  if (!(limit >= 1)) throw new RangeError(`mapPool: limit must be at least 1, got ${limit}`);
  const pending: Call<R>[] = [];
  let index = 0;
  let running = 0;
  let wake = (): void => {};
  for await (const item of items) {
    const call = { result: work(item, index++), settled: false };
    const settle = (): void => {
      call.settled = true;
      running--;
      wake();
    };
    running++;
    call.result.then(settle, settle);
    pending.push(call);
    while (running >= limit || pending.length >= limit * ahead) {
      if (pending[0]?.settled) yield await (pending.shift() as Call<R>).result;
      else
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    }
  }
  while (pending.length > 0) yield await (pending.shift() as Call<R>).result;
}

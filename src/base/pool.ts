/** Bounded concurrency with order kept. */

/**
 * Maps `items` through `work` with at most `limit` calls in flight and yields the results in the order of
 * the items. The source is pulled only as results are consumed, so memory stays bounded by `limit`.
 *
 * @param limit calls in flight, at least 1
 * @throws whatever `work` throws, at that item's place; calls already in flight are left to settle
 */
export async function* mapPool<T, R>(
  items: Iterable<T> | AsyncIterable<T>,
  limit: number,
  work: (item: T, index: number) => Promise<R>,
): AsyncGenerator<R> {
  if (!(limit >= 1)) throw new RangeError(`mapPool: limit must be at least 1, got ${limit}`);
  const pending: Promise<R>[] = [];
  let index = 0;
  for await (const item of items) {
    const result = work(item, index++);
    result.catch(() => {});
    pending.push(result);
    if (pending.length >= limit) yield await (pending.shift() as Promise<R>);
  }
  while (pending.length > 0) yield await (pending.shift() as Promise<R>);
}

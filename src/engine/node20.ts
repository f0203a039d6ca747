/**
 * Gives Node 20 what jax-js takes for granted and Node 22 has: the global `navigator`, read while jax-js is
 * being imported, and `map` and `filter` of iterators, which `einsum` uses. Must be imported before "@jax-js/jax"; `jax.ts`
 * does that, and nobody else imports jax-js directly. Leaves out Float16Array: float16 constants are converted.
 */

if (globalThis.navigator === undefined)
  Object.defineProperty(globalThis, "navigator", {
    value: { hardwareConcurrency: 1, userAgent: "node" },
    configurable: true,
    writable: true,
  });

const helpers = {
  *map<T, R>(this: Iterable<T>, change: (item: T, index: number) => R): Generator<R> {
    let index = 0;
    for (const item of this) yield change(item, index++);
  },
  *filter<T>(this: Iterable<T>, keep: (item: T, index: number) => boolean): Generator<T> {
    let index = 0;
    for (const item of this) if (keep(item, index++)) yield item;
  },
};
const iterators = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]())) as object;
for (const [name, value] of Object.entries(helpers))
  if (!(name in iterators))
    Object.defineProperty(iterators, name, { value, configurable: true, writable: true });

export {};

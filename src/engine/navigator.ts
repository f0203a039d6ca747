/**
 * Gives Node 20 the global `navigator` that jax-js reads while it is being imported (Node 21 has one).
 * Must be imported before "@jax-js/jax"; `jax.ts` does that, and nobody else imports jax-js directly.
 */

if (globalThis.navigator === undefined)
  Object.defineProperty(globalThis, "navigator", {
    value: { hardwareConcurrency: 1, userAgent: "node" },
    configurable: true,
    writable: true,
  });

export {};

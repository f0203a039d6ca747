export { grad, jax, jit, lax, makeJaxpr, nn, np, tree, valueAndGrad } from "../engine/jax.ts";

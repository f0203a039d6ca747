/** jax-js, imported safely on every Node version: the names other folders use instead of "@jax-js/jax". */

import "./node20.ts";

export * as jax from "@jax-js/jax";
export {
  Array,
  DType,
  grad,
  type JsTree,
  jit,
  lax,
  makeJaxpr,
  nn,
  numpy,
  numpy as np,
  random,
  tree,
  valueAndGrad,
  vjp,
  vmap,
} from "@jax-js/jax";

/** Random parameters, distributed as transformers initialises a Qwen2.5-VL. */

import { Random } from "../base/index.ts";
import type { Qwen25VLConfig } from "./config.ts";
import { type ParamSpec, paramSpecs } from "./param-names.ts";
import { type FloatTensor, floatTensor } from "./tensor.ts";

/**
 * Parameters drawn from a seed: weights and embeddings normal with standard deviation `initializer_range`,
 * norms 1, biases 0. Each tensor has a generator of its own, so that one does not depend on the others.
 *
 * @param seed any integer; the same seed gives the same parameters
 */
export function initParams(config: Qwen25VLConfig, seed: number): Map<string, FloatTensor> {
  const random = new Random(seed);
  return new Map(
    paramSpecs(config).map((spec) => [spec.name, initial(config, spec, random.fork(spec.name))]),
  );
}

function initial(config: Qwen25VLConfig, { name, shape, kind }: ParamSpec, random: Random): FloatTensor {
  const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
  const deviation = (name.startsWith("visual.") ? config.vision : config.text).initializer_range;
  if (kind === "norm") data.fill(1);
  else if (kind !== "bias") for (let i = 0; i < data.length; i++) data[i] = deviation * random.normal();
  return floatTensor(data, shape);
}

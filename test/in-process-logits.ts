/** What the in-process runtime computes: greedy tokens of a prompt, and the logits that each was chosen by. */

import { LanguageRuntime } from "../src/nn/generate-runtime.ts";
import { VisionRuntime } from "../src/nn/generate-vision.ts";
import { joinWeights, storeWeight } from "../src/nn/generate-weights.ts";
import { argmax, Checkpoint, positionIds, type TokenRequest, type WeightDType } from "../src/nn/index.ts";

/** A greedy generation. */
export interface GreedyRun {
  /** `3 x S`: the prompt's positions; and the position of the token after it. */
  readonly positions: Int32Array;
  readonly nextPosition: number;
  /** The tokens of the videos, `[N, D]`. */
  readonly video: Float32Array;
  /** The tokens chosen, and for each the logits it was chosen by. */
  readonly ids: number[];
  readonly logits: Float32Array[];
}

/** Generates `count` tokens, whatever they are, with weights kept as `dtype`. */
export async function runGreedily(
  directory: string,
  prompt: TokenRequest,
  count: number,
  dtype: WeightDType = "float32",
): Promise<GreedyRun> {
  const checkpoint = new Checkpoint(directory);
  const { config } = checkpoint;
  const read = (name: string) => checkpoint.read(name);
  const language = new LanguageRuntime(config, joinWeights(config.text, read, dtype));
  const visual = checkpoint.specs.filter(({ name }) => name.startsWith("visual."));
  const params = visual.map(({ name }) => [name, storeWeight(read(name), dtype)] as const);
  const tower = new VisionRuntime(config, Object.fromEntries(params));
  checkpoint.close();
  const tokens = Array.from(prompt.ids);
  const width = config.text.hidden_size;
  const embeddings = new Float32Array(tokens.length * width);
  const seen = await Promise.all(
    (prompt.vision ?? []).map(({ pixelValues, grid }) => tower.see(pixelValues, grid)),
  );
  const video = Float32Array.from(seen.flatMap((part) => [...part]));
  let next = 0;
  tokens.forEach((id, i) => {
    if (id === config.video_token_id || id === config.image_token_id)
      embeddings.set(video.subarray(next++ * width, next * width), i * width);
    else language.copyEmbedding(id, embeddings, i * width);
  });
  const { ids: positions, deltas } = positionIds(config, tokens, [1, tokens.length], [prompt.vision ?? []]);
  const nextPosition = tokens.length + (deltas[0] as number);
  const state = await language.prefill(embeddings, positions);
  const buffers = await language.batch(1, tokens.length + count);
  buffers.cache.copyRow(0, state.cache, 0);
  const ids: number[] = [];
  const logits = [state.logits.slice()];
  while (ids.length < count) {
    const chosen = argmax(logits.at(-1) as Float32Array);
    ids.push(chosen);
    if (ids.length === count) break;
    await language.step(buffers, [chosen], [nextPosition + ids.length - 1]);
    logits.push(buffers.logits.slice());
  }
  await language.dispose();
  await tower.dispose();
  return { positions, nextPosition, video, ids, logits };
}

/** A question about a video as the prompt that a checkpoint is given. */

import { checkpointSampling, questionPrompt, systemPrompt } from "../src/models/index.ts";
import { type Prompt, Qwen25VL } from "../src/nn/index.ts";
import { sampleVideo, toPatches } from "../src/video/index.ts";

/** Samples the video as the checkpoint wants it, and puts the question. */
export async function askedVideo(
  directory: string,
  path: string,
  question: string,
  options: readonly string[] = [],
): Promise<Prompt> {
  const model = await Qwen25VL.load(directory);
  const { sampling } = await checkpointSampling(directory);
  const { frames, sampleFps } = await sampleVideo(path, sampling);
  const lettered = options.map((text, i) => ({ letter: String.fromCharCode(65 + i), text }));
  const video = {
    type: "video" as const,
    ...toPatches(frames, model.processor),
    secondPerGridTs: model.processor.temporalPatchSize / sampleFps,
  };
  const text = questionPrompt(question, lettered, options.length > 0 ? "choice" : "text");
  const prompt = model.prepare([
    { role: "system", content: systemPrompt },
    { role: "user", content: [video, { type: "text", text }] },
  ]);
  await model.dispose();
  return prompt;
}
